//! A curve as bytes: a curve of a hundred thousand distinct values is long, and a page must be able to read it between
//! two frames.
//!
//! Little-endian: the side (1 byte, 7 of padding), the threshold as it is written, the fixed counts, then every step:
//! its value, and its counts of passing and of failing cases.

use super::{Counts, Curve, Side, Step};

const SIDES: [Side; 4] = [Side::AtLeast, Side::Above, Side::AtMost, Side::Below];
const COUNTS: usize = 4 * 4;
const STEP: usize = 8 + 2 * COUNTS;

impl Curve {
    /// The curve as bytes. Counts above `u32::MAX` are clamped to it; a corpus is far smaller.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + COUNTS + STEP * self.steps.len());
        let side = SIDES.iter().position(|side| *side == self.side).unwrap_or_default();
        bytes.extend([u8::try_from(side).unwrap_or_default(), 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(self.now.to_le_bytes());
        write(&mut bytes, self.fixed);
        for step in &self.steps {
            bytes.extend(step.value.to_le_bytes());
            write(&mut bytes, step.passing);
            write(&mut bytes, step.failing);
        }
        bytes
    }

    /// Reads the bytes that [`Self::to_bytes`] wrote; `None` when `bytes` is something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let [side, ..] = reader.take::<8>()?;
        let side = *SIDES.get(usize::from(side))?;
        let now = f64::from_le_bytes(reader.take()?);
        let fixed = reader.counts()?;
        let mut steps = Vec::with_capacity(reader.0.len() / STEP);
        while !reader.0.is_empty() {
            let value = f64::from_le_bytes(reader.take()?);
            steps.push(Step { value, passing: reader.counts()?, failing: reader.counts()? });
        }
        Some(Self { now, side, fixed, steps })
    }
}

fn write(bytes: &mut Vec<u8>, counts: Counts) {
    for count in counts {
        bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn counts(&mut self) -> Option<Counts> {
        let mut counts = Counts::default();
        for count in &mut counts {
            *count = usize::try_from(u32::from_le_bytes(self.take()?)).ok()?;
        }
        Some(counts)
    }
}
