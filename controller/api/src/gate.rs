//! Lets users in.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::{PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use tonic::metadata::MetadataMap;

use crate::error::ApiError;

/// The number of passwords that are known to be right: to check one takes long, on purpose.
const KNOWN: usize = 1024;

/// Why users cannot be let in.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// A line has no user, or no password, or an unknown word behind it.
    #[error(
        "line {line} is none of a user: write NAME:HASH or NAME:HASH:limited there (`xos hash-password NAME` prints one)"
    )]
    Line {
        /// The number of the line.
        line: usize,
    },
    /// What is given for a password is no hash.
    #[error("the password of {user} is no hash of argon2 (`xos hash-password {user}` prints one): {why}")]
    Hash {
        /// The user.
        user: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The word behind the hash of a user that is no administrator.
pub const LIMITED: &str = "limited";

/// Who has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub name: String,
    /// Whether the user may do all that the API can. What others may do is said by the models' access policies.
    pub is_administrator: bool,
}

/// The users. Clones are the same gate.
#[derive(Clone)]
pub struct Gate(Arc<Mutex<Users>>);

#[derive(Default)]
struct Users {
    /// Each user's line.
    lines: BTreeMap<String, Line>,
    /// Whom a header belongs to, by its hash.
    known: HashMap<[u8; 32], Login>,
}

/// What is known of a user.
#[derive(Clone)]
struct Line {
    /// The hash of the password.
    hash: String,
    is_administrator: bool,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("users", &self.users().lines.keys()).finish_non_exhaustive()
    }
}

/// Returns the hash of a password, as a file of users has it.
///
/// # Errors
/// When the password is too long.
pub fn hash(user: &str, password: &str) -> Result<String, GateError> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    let refused = |why: argon2::password_hash::Error| GateError::Hash { user: user.to_owned(), why: why.to_string() };
    hashed.map(|hash| hash.to_string()).map_err(refused)
}

/// Reads a file of users: `NAME:HASH` on each line, and `:limited` behind it for those that are no administrators. Empty
/// lines, and those that begin with `#`, count for nothing.
fn read(text: &str) -> Result<BTreeMap<String, Line>, GateError> {
    let mut users = BTreeMap::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (user, rest) = text.split_once(':').filter(|(user, _)| !user.is_empty()).ok_or(GateError::Line { line })?;
        let (hash, is_administrator) = match rest.split_once(':') {
            None => (rest, true),
            Some((hash, LIMITED)) => (hash, false),
            Some(_) => return Err(GateError::Line { line }),
        };
        let checked = PasswordHash::new(hash);
        checked.map_err(|why| GateError::Hash { user: user.to_owned(), why: why.to_string() })?;
        users.insert(user.to_owned(), Line { hash: hash.to_owned(), is_administrator });
    }
    Ok(users)
}

impl Gate {
    /// Returns a gate for the users of a file: `NAME:HASH` or `NAME:HASH:limited` on each line.
    ///
    /// # Errors
    /// When a line is none of a user.
    pub fn of(text: &str) -> Result<Self, GateError> {
        let users = Users { lines: read(text)?, known: HashMap::new() };
        Ok(Self(Arc::new(Mutex::new(users))))
    }

    /// Lets in the users of another file from now on.
    ///
    /// # Errors
    /// When a line is none of a user. Then the users stay.
    pub fn replace(&self, text: &str) -> Result<(), GateError> {
        *self.users() = Users { lines: read(text)?, known: HashMap::new() };
        Ok(())
    }

    fn users(&self) -> MutexGuard<'_, Users> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns who calls.
    pub(crate) fn user(&self, metadata: &MetadataMap) -> Result<Login, ApiError> {
        let header = metadata.get("authorization").and_then(|value| value.to_str().ok());
        let Some(header) = header else {
            let why = match metadata.contains_key("x-xossession") {
                true => "sessions are not served: send `authorization: Basic …`",
                false => "this call needs a user: send `authorization: Basic …`",
            };
            return Err(ApiError::Unauthenticated(why.to_owned()));
        };
        let key: [u8; 32] = Sha256::digest(header.as_bytes()).into();
        if let Some(user) = self.users().known.get(&key) {
            return Ok(user.clone());
        }
        let user = self.check(header).ok_or_else(|| ApiError::Denied("wrong user or password".to_owned()))?;
        let mut users = self.users();
        if users.known.len() >= KNOWN {
            users.known.clear();
        }
        users.known.insert(key, user.clone());
        Ok(user)
    }

    /// Returns the user whose name and password a header has.
    fn check(&self, header: &str) -> Option<Login> {
        let (scheme, encoded) = header.split_once(' ')?;
        let decoded = BASE64_STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.split_once(':')?;
        let line = self.users().lines.get(user)?.clone();
        let hash = PasswordHash::new(&line.hash).ok()?;
        Argon2::default().verify_password(password.as_bytes(), &hash).ok()?;
        Some(Login { name: user.to_owned(), is_administrator: line.is_administrator })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(name: &'static str, value: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert(name, value.parse().unwrap());
        metadata
    }

    fn basic(pair: &str) -> MetadataMap {
        metadata("authorization", &format!("Basic {}", BASE64_STANDARD.encode(pair)))
    }

    #[test]
    fn users_are_let_in_with_their_password() {
        let line = |user: &str, password: &str| format!("{user}:{}\n", hash(user, password).unwrap());
        let limited = format!("{}:limited\n", line("eve", "x").trim());
        let gate = Gate::of(&format!("# users\n\n{}{limited}", line("ada", "letmein"))).unwrap();
        for _ in 0..2 {
            for (pair, name, is_administrator) in [("ada:letmein", "ada", true), ("eve:x", "eve", false)] {
                let login = Login { name: name.to_owned(), is_administrator };
                assert_eq!(gate.user(&basic(pair)).unwrap(), login);
            }
        }
        for wrong in ["ada:letmei", "bob:letmein", "ada", ""] {
            assert!(matches!(gate.user(&basic(wrong)), Err(ApiError::Denied(_))), "{wrong}");
        }
        for (metadata, said) in
            [(MetadataMap::new(), "needs a user"), (metadata("x-xossession", "x"), "sessions are not served")]
        {
            let refused = gate.user(&metadata).unwrap_err();
            assert!(matches!(&refused, ApiError::Unauthenticated(why) if why.contains(said)), "{refused}");
        }
        assert!(!format!("{gate:?}").contains("argon2"), "no hash is shown");
        gate.replace("ada").unwrap_err();
        assert!(gate.user(&basic("ada:letmein")).is_ok(), "a file that cannot be read changes nothing");
        gate.replace(&line("bob", "x")).unwrap();
        assert!(gate.user(&basic("ada:letmein")).is_err() && gate.user(&basic("bob:x")).is_ok());
    }

    #[test]
    fn a_password_in_the_clear_is_no_hash() {
        for (text, said) in [
            ("\nada:letmein", "the password of ada is no hash of argon2"),
            ("\nada", "line 2 is none of a user"),
            (":x", "line 1 is none of a user"),
            (&format!("ada:{}:limitd", hash("ada", "x").unwrap()), "line 1 is none of a user"),
        ] {
            let told = Gate::of(text).unwrap_err().to_string();
            assert!(told.starts_with(said), "{told}");
        }
    }
}
