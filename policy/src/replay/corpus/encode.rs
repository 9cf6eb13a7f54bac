//! Writing a corpus in the file format.

use strum::VariantArray as _;

use super::{
    Columnar, MAX_BYTES, Name, Role,
    column::{Codes, Values},
    format::{CorpusError, DIGEST, HEAD, MAGIC, SOURCES, VERSION, digest},
};

impl Columnar {
    /// The corpus as bytes.
    ///
    /// # Errors
    /// [`CorpusError::TooLarge`] when the encoded corpus would exceed [`MAX_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, CorpusError> {
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        let source = SOURCES.iter().position(|source| *source == self.source).unwrap_or_default();
        out.push(u8::try_from(source).unwrap_or_default());
        out.push(0);
        count(&mut out, self.rows)?;
        count(&mut out, self.columns.len())?;
        out.extend_from_slice(&[0; 8 + DIGEST]);
        for (name, column) in &self.columns {
            write_name(&mut out, name)?;
            write_values(&mut out, &column.values)?;
            write_codes(&mut out, &column.codes)?;
            if out.len() > MAX_BYTES {
                return Err(CorpusError::TooLarge { name: "bytes", limit: MAX_BYTES });
            }
        }
        let body = (out.len() - HEAD - DIGEST) as u64;
        if let Some(slot) = out.get_mut(HEAD - 8..HEAD) {
            slot.copy_from_slice(&body.to_le_bytes());
        }
        let digest = digest(&out);
        if let Some(slot) = out.get_mut(HEAD..HEAD + DIGEST) {
            slot.copy_from_slice(&digest);
        }
        Ok(out)
    }

    /// `sha256:` over the encoded corpus; a packet or a cache identifies the corpus by this digest.
    ///
    /// # Errors
    /// See [`Self::encode`].
    pub fn digest(&self) -> Result<String, CorpusError> {
        let bytes = self.encode()?;
        Ok(format!("sha256:{}", hex::encode(bytes.get(HEAD..HEAD + DIGEST).unwrap_or_default())))
    }
}

fn count(out: &mut Vec<u8>, count: usize) -> Result<(), CorpusError> {
    let count = u32::try_from(count).map_err(|_| CorpusError::TooLarge { name: "values", limit: u32::MAX as usize })?;
    out.extend_from_slice(&count.to_le_bytes());
    Ok(())
}

fn text(out: &mut Vec<u8>, text: &str) -> Result<(), CorpusError> {
    count(out, text.len())?;
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn write_name(out: &mut Vec<u8>, name: &Name) -> Result<(), CorpusError> {
    match name {
        Name::About(role) => {
            let place = Role::VARIANTS.iter().position(|other| other == role).unwrap_or_default();
            out.push(u8::try_from(place + 1).unwrap_or_default());
        }
        Name::Field(path) => {
            out.push(0);
            out.extend_from_slice(&u16::try_from(path.len()).unwrap_or_default().to_le_bytes());
            path.iter().try_for_each(|key| text(out, key))?;
        }
    }
    Ok(())
}

fn write_values(out: &mut Vec<u8>, values: &Values) -> Result<(), CorpusError> {
    count(out, values.numbers.len())?;
    count(out, values.texts.len())?;
    count(out, values.rest.len())?;
    values.numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
    values.texts.ends.iter().for_each(|end| out.extend_from_slice(&end.to_le_bytes()));
    text(out, &values.texts.block)?;
    values.rest.iter().try_for_each(|value| text(out, &value.to_string()))
}

fn write_codes(out: &mut Vec<u8>, codes: &Codes) -> Result<(), CorpusError> {
    match codes {
        Codes::Narrow(codes) => {
            out.push(1);
            out.extend_from_slice(codes);
        }
        Codes::Medium(codes) => {
            out.push(2);
            codes.iter().for_each(|code| out.extend_from_slice(&code.to_le_bytes()));
        }
        Codes::Wide(codes) => {
            out.push(4);
            codes.iter().for_each(|code| out.extend_from_slice(&code.to_le_bytes()));
        }
        Codes::Sparse { rows, codes } => {
            out.push(0);
            count(out, rows.len())?;
            rows.iter().chain(codes).for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        }
    }
    Ok(())
}
