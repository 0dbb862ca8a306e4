//! Forms with files, as several endpoints take them.

use axum::http::{HeaderMap, StatusCode, header};

use super::commit_files::{parameter, parts, position};
use super::errors::ApiError;

/// One part of a form.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    /// The name of the file, if it is one.
    pub(super) file: Option<String>,
    pub(super) bytes: Vec<u8>,
}

impl Part {
    /// What a field says.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The parts of a `multipart/form-data` body. Any other body is refused with 406.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Part>, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let boundary = kind
        .and_then(|kind| kind.strip_prefix("multipart/form-data"))
        .and_then(|rest| rest.split_once("boundary="))
        .map(|(_, boundary)| boundary.trim_matches('"'))
        .ok_or_else(|| {
            let says = "Unsupported Content-Type. Use multipart/form-data.";
            ApiError::new(StatusCode::NOT_ACCEPTABLE, says)
        })?;
    parts(body, boundary)
        .into_iter()
        .map(|part| one(part).ok_or_else(|| ApiError::bad_request("Broken form.")))
        .collect()
}

fn one(part: &[u8]) -> Option<Part> {
    let (head, rest) = part.split_at(position(part, b"\r\n\r\n")?);
    let head = std::str::from_utf8(head).ok()?;
    let disposition =
        head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    Some(Part {
        name: parameter(disposition, " name=")?,
        file: parameter(disposition, " filename="),
        bytes: rest.get(4..)?.to_vec(),
    })
}
