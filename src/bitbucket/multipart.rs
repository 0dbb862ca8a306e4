//! Forms with files (`multipart/form-data`, RFC 7578), for the endpoints that take no JSON.
//!
//! The body is made whole before it is sent, since a request may be sent twice: once more with a fresh
//! token.

use rand::Rng;

use super::call::Body;

/// A form that is being filled in.
#[derive(Debug, Default)]
pub(crate) struct Multipart {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    name: String,
    file: Option<String>,
    /// What Bitbucket reads in the part's `Content-Disposition`: `executable`, `link`.
    attributes: Option<&'static str>,
    data: Vec<u8>,
}

impl Multipart {
    /// An empty form.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a field. The same name may come more than once.
    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        let data = value.as_bytes().to_vec();
        self.parts.push(Part { name: name.to_owned(), file: None, attributes: None, data });
        self
    }

    /// Adds a file under the field `name`, called `file`.
    pub(crate) fn file(mut self, name: &str, file: &str, data: Vec<u8>) -> Self {
        let file = Some(file.to_owned());
        self.parts.push(Part { name: name.to_owned(), file, attributes: None, data });
        self
    }

    /// Gives the part that was added last an `x-attributes` parameter, as `POST src` reads it.
    pub(crate) fn attributes(mut self, attributes: &'static str) -> Self {
        if let Some(part) = self.parts.last_mut() {
            part.attributes = Some(attributes);
        }
        self
    }

    /// The form as it is sent.
    pub(super) fn body(self) -> Body {
        let boundary = self.boundary();
        let mut data = Vec::new();
        for part in &self.parts {
            data.extend(format!("--{boundary}\r\n{}\r\n\r\n", part.head()).into_bytes());
            data.extend(&part.data);
            data.extend(b"\r\n");
        }
        data.extend(format!("--{boundary}--\r\n").into_bytes());
        Body { data, content_type: format!("multipart/form-data; boundary={boundary}") }
    }

    /// A line that stands in no part.
    fn boundary(&self) -> String {
        loop {
            let boundary = format!("form-{:032x}", rand::rng().random::<u128>());
            let stands_in = |part: &Part| {
                part.data.windows(boundary.len()).any(|window| window == boundary.as_bytes())
            };
            if !self.parts.iter().any(stands_in) {
                return boundary;
            }
        }
    }
}

impl Part {
    fn head(&self) -> String {
        let mut head = format!("Content-Disposition: form-data; name=\"{}\"", escaped(&self.name));
        if let Some(file) = &self.file {
            head.push_str(&format!("; filename=\"{}\"", escaped(file)));
        }
        if let Some(attributes) = self.attributes {
            head.push_str(&format!("; x-attributes=\"{attributes}\""));
        }
        if self.file.is_some() {
            head.push_str("\r\nContent-Type: application/octet-stream");
        }
        head
    }
}

/// A name inside quotes, as browsers write it (HTML, section 4.10.22.7): it cannot end the quotes or
/// the line.
fn escaped(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_fields_and_files_that_cannot_leave_their_part() {
        let form = Multipart::new()
            .text("message", "Fix\r\nit")
            .file("/run \"me\"\r\n.sh", "run.sh", b"\0\xff".to_vec())
            .attributes("executable");
        let body = form.body();
        let boundary = body.content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8_lossy(&body.data).replace(boundary, "BOUNDARY");
        assert_eq!(
            text,
            "--BOUNDARY\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nFix\r\nit\r\n\
             --BOUNDARY\r\nContent-Disposition: form-data; name=\"/run %22me%22%0D%0A.sh\"; \
             filename=\"run.sh\"; x-attributes=\"executable\"\r\nContent-Type: \
             application/octet-stream\r\n\r\n\0\u{fffd}\r\n--BOUNDARY--\r\n"
        );
    }
}
