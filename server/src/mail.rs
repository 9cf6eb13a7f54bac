//! Mail by SMTP.

use std::{fmt, pin::Pin, time::Duration};

use app::account_links::{Letter, Mailer};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};

use crate::error::CliError;

/// Time limit for each step of a conversation with the mail server: an administrator waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How to reach the mail server. Flattened into the arguments of `serve`.
#[derive(Clone, Default, clap::Args)]
pub struct SmtpArguments {
    /// Mail server for invitations and new passwords, such as `smtps://user:password@mail.example.com`, or
    /// `smtp://mail.example.com?tls=required`. Without it administrators hand links over.
    #[arg(long, env = "COUNTERSIGN_SMTP_URL", hide_env_values = true, value_name = "URL", requires = "smtp_from")]
    pub smtp_url: Option<String>,
    /// Sender of the mail, such as `Countersign <policy@example.com>`.
    #[arg(long, env = "COUNTERSIGN_SMTP_FROM", value_name = "ADDRESS")]
    pub smtp_from: Option<String>,
}

impl fmt::Debug for SmtpArguments {
    /// The URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpArguments")
            .field("smtp_url", &self.smtp_url.as_ref().map(|_| "…"))
            .field("smtp_from", &self.smtp_from)
            .finish()
    }
}

/// Sends mail by SMTP.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// The mailer of these arguments; `None` without a mail server. Nothing is connected yet.
    ///
    /// # Errors
    /// [`CliError::Usage`] for a URL or sender that cannot be read, and for a mail server on another host that would be
    /// reached in the clear: a link that is read on the way gives the account away.
    pub fn new(arguments: &SmtpArguments) -> Result<Option<Self>, CliError> {
        let Some(url) = &arguments.smtp_url else { return Ok(None) };
        if !is_private(url) {
            return Err(CliError::Usage(
                "--smtp-url would send links in the clear; write `smtps://…` or add `?tls=required`".to_owned(),
            ));
        }
        let from = arguments.smtp_from.as_deref().unwrap_or_default();
        let from = from.parse().map_err(|error| {
            CliError::Usage(format!(
                "--smtp-from `{from}` is not a sender such as `Countersign <policy@example.com>`: {error}"
            ))
        })?;
        // The error could quote the URL, with its password.
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| CliError::Usage("--smtp-url is not a URL such as `smtps://user:password@host`".to_owned()))?
            .timeout(Some(TIMEOUT))
            .build();
        Ok(Some(Self { transport, from }))
    }

    async fn deliver(&self, letter: Letter) -> Result<(), String> {
        let to: Mailbox = letter.to.parse().map_err(|error| format!("`{}` is no address: {error}", letter.to))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject)
            .message_id(None)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text)
            .map_err(|error| error.to_string())?;
        let sent = tokio::time::timeout(TIMEOUT * 2, self.transport.send(message)).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it did not answer in time".to_owned()),
        }
    }
}

impl Mailer for SmtpMailer {
    fn send(&self, letter: Letter) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(self.deliver(letter))
    }
}

/// Whether nobody on the way reads what goes to this server: it is encrypted, or on this machine.
fn is_private(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("smtp://") else { return true };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if query.split('&').any(|pair| pair == "tls=required") {
        return true;
    }
    let authority = place.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(url: &str, from: &str) -> SmtpArguments {
        SmtpArguments { smtp_url: Some(url.to_owned()), smtp_from: Some(from.to_owned()) }
    }

    #[test]
    fn links_do_not_travel_in_the_clear() {
        for private in [
            "smtps://mail.example.com",
            "smtp://mail.example.com?tls=required",
            "smtp://localhost:1025",
            "smtp://user:pw@127.0.0.1:25",
            "smtp://[::1]:25/",
        ] {
            assert!(is_private(private), "{private}");
        }
        for open in [
            "smtp://mail.example.com",
            "smtp://mail.example.com?tls=opportunistic",
            "smtp://localhost@mail.example.com",
            "smtp://localhost.example.com",
            "smtp://10.0.0.7:25",
        ] {
            assert!(!is_private(open), "{open}");
        }
    }

    #[tokio::test]
    async fn settings_that_cannot_work_are_refused_without_their_password() {
        assert!(SmtpMailer::new(&SmtpArguments::default()).unwrap().is_none());
        assert!(
            SmtpMailer::new(&arguments("smtps://u:pw@mail.example.com", "Countersign <p@example.com>"))
                .unwrap()
                .is_some()
        );
        for (url, from) in [
            ("smtp://u:s3cret@mail.example.com", "p@example.com"),
            ("s3cret", "p@example.com"),
            ("smtp://localhost", "nobody"),
        ] {
            let refused = SmtpMailer::new(&arguments(url, from)).err().map(|error| error.to_string()).unwrap();
            assert!(!refused.contains("s3cret"), "{refused}");
        }
        assert!(!format!("{:?}", arguments("smtps://u:s3cret@h", "p@x")).contains("s3cret"));
    }
}
