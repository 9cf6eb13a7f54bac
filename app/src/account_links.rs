//! Delivers the one-time links with which people choose a password: by mail to the person's own address, or, where no
//! mail can be sent, to the administrator, once.

use std::{fmt, pin::Pin, sync::Arc};

use lifecycle::authority::{Person, SentLink};
use policy::characters::write_out;
use store::{
    Store,
    links::{Delivery, Link},
    people::Reset,
};

/// A message to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
}

/// Sends letters. The server provides one when it has a mail server.
pub trait Mailer: Send + Sync {
    /// Sends a letter; the error says in a sentence why the mail server did not take it.
    fn send(&self, letter: Letter) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}

/// Delivers links. Cheap to clone.
#[derive(Clone)]
pub struct AccountLinks {
    /// The address at which people reach this server, without a slash at the end.
    base: Arc<str>,
    mailer: Option<Arc<dyn Mailer>>,
}

impl fmt::Debug for AccountLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountLinks").field("base", &self.base).field("mail", &self.mailer.is_some()).finish()
    }
}

impl AccountLinks {
    /// Links that begin with `base`, such as `https://policy.example.com`.
    pub fn new(base: &str, mailer: Option<Arc<dyn Mailer>>) -> Self {
        Self { base: base.trim_end_matches('/').into(), mailer }
    }

    /// How a link is delivered: by mail where that can be sent, unless the administrator wants to hand it over.
    pub fn delivery(&self, hand_over: bool) -> Delivery {
        if hand_over || self.mailer.is_none() { Delivery::HandOver } else { Delivery::Mail }
    }

    /// Delivers an invitation.
    pub async fn invitation(&self, person: &Person, link: &Link, delivery: Delivery) -> SentLink {
        let text = format!(
            "Hello {},\n\nyou were invited to Countersign. Choose your password here:\n\n{}\n\nThe link works once, until \
             {}. Nobody else gets it.\n",
            write_out(&person.name),
            self.url(link),
            link.expires_at
        );
        let letter = Letter { to: person.email.clone(), subject: "You are invited to Countersign".to_owned(), text };
        self.deliver(letter, link, delivery).await
    }

    /// Delivers a reset link.
    pub async fn reset(&self, reset: &Reset, delivery: Delivery) -> SentLink {
        let Reset { person, link, .. } = reset;
        let text = format!(
            "Hello {},\n\nan administrator started a new password for your account. Choose it here:\n\n{}\n\nThe link \
             works once, until {}. If you did not ask for it, you need not do anything: your password stays as it is. Inform \
             a safety owner, though.\n",
            write_out(&person.name),
            self.url(link),
            link.expires_at
        );
        let letter = Letter { to: person.email.clone(), subject: "Choose a new password".to_owned(), text };
        self.deliver(letter, link, delivery).await
    }

    /// Mails what was done to accounts without a second person, to the safety owners and to the account's person. Pages
    /// show it in any case, and nothing waits for the mail server for longer than a letter takes.
    pub async fn announce(&self, store: &Store) {
        let Some(mailer) = &self.mailer else { return };
        let unmailed = match store::announcements::take_unmailed(store).await {
            Ok(unmailed) => unmailed,
            Err(error) => {
                tracing::warn!(%error, "announcements about accounts cannot be mailed now");
                return;
            }
        };
        for announcement in unmailed {
            let what = write_out(&announcement.what);
            let to_owner = format!(
                "{what}.\n\nThis needed no second person. If it should not have been done, disable the account and speak \
                 to its person:\n\n{}/\n",
                self.base
            );
            let to_person = format!(
                "{what}.\n\nThis is your account. If you did not expect this, inform a safety owner of your workspace.\n\n{}/\n",
                self.base
            );
            let owners = announcement.safety_owners.iter().map(|owner| (owner, &to_owner));
            let person = announcement.person.iter().map(|person| (person, &to_person));
            for (to, text) in owners.chain(person) {
                let subject = match &announcement.person {
                    Some(person) => format!("The account of {}", write_out(person)),
                    None => "Roles of groups".to_owned(),
                };
                if let Err(error) = mailer.send(Letter { to: to.clone(), subject, text: text.clone() }).await {
                    tracing::warn!(error, "an announcement about an account cannot be mailed");
                }
            }
        }
    }

    async fn deliver(&self, letter: Letter, link: &Link, delivery: Delivery) -> SentLink {
        let made = SentLink { url: None, expires_at: link.expires_at, sent: false, mail_error: None };
        match (delivery, &self.mailer) {
            (Delivery::Mail, Some(mailer)) => match mailer.send(letter).await {
                Ok(()) => SentLink { sent: true, ..made },
                Err(error) => {
                    tracing::warn!(error, "a link cannot be sent");
                    let detail = format!("the mail server did not take the message: {error}. Make another link");
                    SentLink { mail_error: Some(detail), ..made }
                }
            },
            _ => SentLink { url: Some(self.url(link)), ..made },
        }
    }

    fn url(&self, link: &Link) -> String {
        format!("{}/join?code={}", self.base, link.code)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use lifecycle::authority::Role;
    use policy::Timestamp;

    use super::*;

    /// Keeps letters, or takes none.
    struct Letters(Mutex<Vec<Letter>>, bool);

    impl Mailer for Letters {
        fn send(&self, letter: Letter) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
            self.0.lock().unwrap().push(letter);
            let answer = if self.1 { Ok(()) } else { Err("mailbox unknown".to_owned()) };
            Box::pin(async move { answer })
        }
    }

    fn ann() -> Person {
        Person {
            id: 1,
            email: "ann@x.test".into(),
            name: "Ann".into(),
            roles: [Role::Viewer].into(),
            enabled: true,
            has_password: false,
            linked: false,
            signs_from: None,
        }
    }

    fn link() -> Link {
        Link { code: "c0de".into(), expires_at: Timestamp::EPOCH }
    }

    #[test]
    fn a_link_is_mailed_or_handed_over_and_never_both() {
        let by_hand = AccountLinks::new("https://p.example/", None);
        assert_eq!(by_hand.delivery(false), Delivery::HandOver);
        let mailed = AccountLinks::new("https://p.example", Some(Arc::new(Letters(Mutex::default(), true))));
        assert_eq!(mailed.delivery(false), Delivery::Mail);
        assert_eq!(mailed.delivery(true), Delivery::HandOver);
    }

    #[tokio::test]
    async fn one_person_gets_the_link_and_no_other() {
        let letters = Arc::new(Letters(Mutex::default(), true));
        let links = AccountLinks::new("https://p.example/", Some(letters.clone()));
        let sent = links.invitation(&ann(), &link(), Delivery::Mail).await;
        assert_eq!((sent.url, sent.sent), (None, true), "the administrator does not see a mailed link");
        let kept = letters.0.lock().unwrap().clone();
        assert_eq!(kept[0].to, "ann@x.test");
        assert!(kept[0].text.contains("https://p.example/join?code=c0de"), "{}", kept[0].text);

        let handed = links.invitation(&ann(), &link(), Delivery::HandOver).await;
        assert_eq!(handed.url.as_deref(), Some("https://p.example/join?code=c0de"));
        assert_eq!(letters.0.lock().unwrap().len(), 1, "nothing was mailed");
    }

    #[tokio::test]
    async fn a_refused_message_is_reported_without_the_link() {
        let links = AccountLinks::new("https://p.example", Some(Arc::new(Letters(Mutex::default(), false))));
        let sent = links.invitation(&ann(), &link(), Delivery::Mail).await;
        assert!(!sent.sent && sent.url.is_none());
        assert!(sent.mail_error.unwrap().contains("mailbox unknown"));
    }
}
