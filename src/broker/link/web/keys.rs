//! The secrets of this process, and what is made from them: tickets, the tokens of forms, and the seal
//! on people's My Account tokens. All of it ends with the process.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::digest::Digest;
use crate::auth0::MyAccountToken;

/// Makes and checks what nobody else can make.
pub(super) struct Keys {
    tickets: hmac::Key,
    forms: hmac::Key,
    seals: hkdf::Salt,
}

/// What a form does; its token is good for that alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Goes on with a ticket, or refuses.
    Ticket,
    /// Takes a link back.
    Undo,
}

/// Whose token is sealed, and which browser opens it.
#[derive(Clone, Copy)]
pub(super) struct Lock<'a> {
    /// The browser's secret.
    pub(super) cookie: &'a str,
    /// For which ticket.
    pub(super) ticket: Digest,
    /// The person.
    pub(super) subject: &'a str,
}

/// A My Account token that only one browser's requests open.
pub(super) struct Sealed {
    nonce: [u8; 12],
    text: Vec<u8>,
}

impl Keys {
    /// Keys that nobody has had before.
    pub(super) fn random() -> Self {
        let key = || hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>());
        let seals = hkdf::Salt::new(hkdf::HKDF_SHA256, &rand::random::<[u8; 32]>());
        Self { tickets: key(), forms: key(), seals }
    }

    /// The ticket of the record with this nonce. It is kept nowhere and made again when it is needed.
    pub(super) fn ticket(&self, nonce: &[u8; 32]) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.tickets, nonce))
    }

    /// What `form` must carry when it is posted by the browser with `cookie`.
    pub(super) fn form_token(&self, form: Form, ticket: Digest, cookie: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.forms, &form.bound_to(ticket, cookie)))
    }

    /// Whether `token` is that, found out in constant time.
    pub(super) fn is_form_token(
        &self,
        form: Form,
        ticket: Digest,
        cookie: &str,
        token: &str,
    ) -> bool {
        URL_SAFE_NO_PAD.decode(token).is_ok_and(|tag| {
            hmac::verify(&self.forms, &form.bound_to(ticket, cookie), &tag).is_ok()
        })
    }

    /// Seals `token`. `None` if the cryptography fails, which it has no reason to.
    pub(super) fn seal(&self, token: &MyAccountToken, lock: &Lock<'_>) -> Option<Sealed> {
        let mut text = token.expose().as_bytes().to_vec();
        let key = self.key(lock)?;
        let nonce = key.seal_in_place_append_tag(lock.bound(), &mut text).ok()?;
        Some(Sealed { nonce: *nonce.as_ref(), text })
    }

    /// The token in `sealed`, if `lock` is the one that it was sealed with.
    pub(super) fn open(&self, sealed: &Sealed, lock: &Lock<'_>) -> Option<MyAccountToken> {
        let mut text = sealed.text.clone();
        let nonce = Nonce::assume_unique_for_key(sealed.nonce);
        let token = self.key(lock)?.open_in_place(nonce, lock.bound(), &mut text).ok()?;
        Some(MyAccountToken::new(std::str::from_utf8(token).ok()?.into()))
    }

    /// From our secret and the browser's: neither opens anything alone.
    fn key(&self, lock: &Lock<'_>) -> Option<RandomizedNonceKey> {
        let secret = self.seals.extract(lock.cookie.as_bytes());
        let mut key = [0; 32];
        secret.expand(&[b"my account token"], hkdf::HKDF_SHA256).ok()?.fill(&mut key).ok()?;
        RandomizedNonceKey::new(&AES_256_GCM, &key).ok()
    }
}

impl Form {
    fn bound_to(self, ticket: Digest, cookie: &str) -> Vec<u8> {
        let kind = match self {
            Self::Ticket => 1_u8,
            Self::Undo => 2,
        };
        [&[kind], ticket.bytes().as_slice(), cookie.as_bytes()].concat()
    }
}

impl Lock<'_> {
    /// The digest has a fixed length, so that no two read the same.
    fn bound(&self) -> Aad<Vec<u8>> {
        Aad::from([self.ticket.bytes().as_slice(), self.subject.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_the_same_ticket_again_and_no_other_process_does() {
        let (keys, nonce) = (Keys::random(), rand::random());
        let ticket = keys.ticket(&nonce);
        assert_eq!((ticket.len(), keys.ticket(&nonce)), (43, ticket.clone()));
        assert_ne!(Keys::random().ticket(&nonce), ticket);
        assert_ne!(keys.ticket(&rand::random()), ticket);
    }

    #[test]
    fn opens_a_sealed_token_only_for_its_browser_ticket_and_person() {
        let keys = Keys::random();
        let lock = Lock { cookie: "c-1", ticket: Digest::of("t-1"), subject: "auth0|gus" };
        let sealed = keys.seal(&MyAccountToken::new("me-marked".into()), &lock).unwrap();
        assert_eq!(keys.open(&sealed, &lock).unwrap().expose(), "me-marked");
        for other in [
            Lock { cookie: "c-2", ..lock },
            Lock { ticket: Digest::of("t-2"), ..lock },
            Lock { subject: "auth0|ana", ..lock },
        ] {
            assert!(keys.open(&sealed, &other).is_none());
        }
        assert!(Keys::random().open(&sealed, &lock).is_none());
        assert!(!sealed.text.windows(6).any(|window| window == b"marked"));
    }

    #[test]
    fn takes_a_form_only_from_its_browser_for_its_ticket_and_deed() {
        let (keys, ticket) = (Keys::random(), Digest::of("t-1"));
        let token = keys.form_token(Form::Ticket, ticket, "c-1");
        assert!(keys.is_form_token(Form::Ticket, ticket, "c-1", &token));
        for (form, ticket, cookie, token) in [
            (Form::Undo, ticket, "c-1", token.as_str()),
            (Form::Ticket, Digest::of("t-2"), "c-1", &token),
            (Form::Ticket, ticket, "c-2", &token),
            (Form::Ticket, ticket, "c-1", "guess"),
            (Form::Ticket, ticket, "c-1", ""),
        ] {
            assert!(!keys.is_form_token(form, ticket, cookie, token));
        }
    }
}
