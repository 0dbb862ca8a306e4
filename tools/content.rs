//! The contents of a file, as a call brings them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{Error, Result};

/// How large the contents of one call may be.
pub(super) const LARGEST: usize = 1024 * 1024;

/// The bytes of a file that is given as text or as base64, but not as both.
pub(super) fn bytes(name: &str, text: Option<&str>, base64: Option<&str>) -> Result<Vec<u8>> {
    let wrong = |says: String| Err(Error::InvalidArguments(says));
    let data = match (text, base64) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(base64)) => match STANDARD.decode(base64) {
            Ok(data) => data,
            Err(error) => return wrong(format!("{name}: `base64` cannot be read: {error}")),
        },
        (Some(_), Some(_)) => return wrong(format!("{name}: give `text` or `base64`, not both")),
        (None, None) => return wrong(format!("{name}: give its `text`, or its bytes in `base64`")),
    };
    if data.len() > LARGEST {
        return wrong(format!("{name} has {} bytes; at most {LARGEST} can be sent", data.len()));
    }
    Ok(data)
}

/// Refuses a text that is empty, or longer than the `most` characters that Bitbucket keeps.
pub(super) fn fits(argument: &str, text: &str, most: usize) -> Result<()> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        Err(Error::InvalidArguments(format!("`{argument}` is empty")))
    } else if length > most {
        let says = format!("`{argument}` has {length} characters; Bitbucket takes {most}");
        Err(Error::InvalidArguments(says))
    } else {
        Ok(())
    }
}

/// Whether `name` can be the name of one file: no folder, nothing invisible, no longer than 255 bytes.
pub(super) fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && name.len() <= 255
        && !name.contains(['/', '\\'])
        && name.trim() == name
        && !name.contains(['\n', '\t'])
        && crate::text::clean(name) == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_text_or_base64() {
        assert_eq!(bytes("a", Some("hé"), None).unwrap(), "hé".as_bytes());
        assert_eq!(bytes("a", None, Some("AP8=")).unwrap(), [0, 255]);
        for (text, base64, says) in [
            (None, None, "a: give its `text`, or its bytes in `base64`"),
            (Some(""), Some(""), "a: give `text` or `base64`, not both"),
            (None, Some("AP8"), "a: `base64` cannot be read: Invalid padding"),
        ] {
            assert_eq!(bytes("a", text, base64).unwrap_err().to_string(), says);
        }
        let long = "x".repeat(LARGEST + 1);
        let error = bytes("a", Some(&long), None).unwrap_err();
        assert_eq!(error.to_string(), "a has 1048577 bytes; at most 1048576 can be sent");
    }

    #[test]
    fn takes_no_text_that_bitbucket_would_refuse() {
        assert!(fits("title", "Lint", 4).is_ok());
        for (text, says) in
            [(" ", "`title` is empty"), ("Lints", "`title` has 5 characters; Bitbucket takes 4")]
        {
            assert_eq!(fits("title", text, 4).unwrap_err().to_string(), says);
        }
    }

    #[test]
    fn takes_the_names_of_files_alone() {
        for good in ["shop-2.4.1.tar.gz", "Übersicht (1).pdf", ".env"] {
            assert!(is_file_name(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a\\b", " a", "a\nb", "a\u{202e}gpj.exe", "a\u{0}"] {
            assert!(!is_file_name(bad), "{bad:?}");
        }
    }
}
