//! PEM (RFC 7468): any number of blocks, whatever stands between them.
//!
//! Read by hand and forgivingly: files in use have long or indented lines, CRLF, and headers.

use base64ct::{Base64, Encoding};
use der::pem::LineEnding;
use zeroize::Zeroizing;

use super::der::{Shape, parse};
use super::{Item, Passphrase, Refused, Result, ssh};
use crate::types::SecretBytes;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// A block's label, and the DER inside.
const LABELS: &[(&str, Shape)] = &[
    ("PRIVATE KEY", Shape::Pkcs8),
    ("ENCRYPTED PRIVATE KEY", Shape::EncryptedPkcs8),
    ("RSA PRIVATE KEY", Shape::Pkcs1),
    ("EC PRIVATE KEY", Shape::Sec1),
    ("PUBLIC KEY", Shape::Spki),
    ("RSA PUBLIC KEY", Shape::Pkcs1Public),
    ("CERTIFICATE", Shape::Certificate),
    ("X509 CERTIFICATE", Shape::Certificate),
    ("TRUSTED CERTIFICATE", Shape::TrustedCertificate),
];

/// Blocks that say nothing of their own: `openssl ecparam -genkey` writes the curve before the key, which names it too.
const PASSED_OVER: &[&str] = &["EC PARAMETERS"];

/// Blocks that are no key and no certificate, and what to do.
const REFUSED: &[(&str, &str)] = &[
    ("CERTIFICATE REQUEST", "a certificate request: import the certificate made from it"),
    ("NEW CERTIFICATE REQUEST", "a certificate request: import the certificate made from it"),
    ("X509 CRL", "a revocation list"),
    ("PKCS7", "PKCS#7: `openssl pkcs7 -print_certs -in FILE` writes its certificates"),
    ("CMS", "a CMS message"),
    ("PGP PRIVATE KEY BLOCK", "an OpenPGP key"),
    ("PGP PUBLIC KEY BLOCK", "an OpenPGP key"),
    (
        "DSA PRIVATE KEY",
        "a DSA key in its traditional form: `openssl pkey -in FILE -out NEW` makes it PKCS#8",
    ),
];

/// True for a text that has a block.
pub(super) fn looks_like_it(content: &[u8]) -> bool {
    content.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes())
}

/// What the blocks hold.
pub(super) fn read(content: &[u8], passphrase: &Passphrase<'_>) -> Result<Vec<Item>> {
    // Between the blocks there may be anything; inside them there is ASCII.
    let text: Zeroizing<String> =
        Zeroizing::new(content.iter().map(|byte| char::from(byte & 0x7f)).collect());
    let mut items = Vec::new();
    let mut blocks = 0;
    for block in split(&text) {
        let block = block?;
        blocks += 1;
        let found = block.items(passphrase).map_err(|refused| match refused {
            Refused::Content(why) => Refused::Content(format!("block {blocks}, {}: {why}", block.label)),
            other => other,
        })?;
        items.extend(found);
    }
    if blocks == 0 {
        return Err("no PEM block".into());
    }
    Ok(items)
}

/// One block.
struct Block<'a> {
    label: &'a str,
    /// From BEGIN to END, both included.
    whole: &'a str,
    body: &'a str,
}

/// The blocks of a text; an error, and the end, at one that is cut off.
fn split(text: &str) -> impl Iterator<Item = Result<Block<'_>>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = rest.get(rest.find(BEGIN)?..)?;
        let block = first(begin);
        rest = block.as_ref().ok().and_then(|block| begin.get(block.whole.len()..)).unwrap_or_default();
        Some(block.map_err(|why| Refused::Content(why.to_owned())))
    })
}

/// The block that a text begins with.
fn first(text: &str) -> std::result::Result<Block<'_>, &'static str> {
    const CUT: &str = "a PEM block is cut off: it has no complete END line";
    let (label, inside) = text.get(BEGIN.len()..).and_then(|rest| rest.split_once(DASHES)).ok_or(CUT)?;
    let end = inside.find(END).ok_or(CUT)?;
    let (body, tail) = inside.split_at_checked(end).ok_or(CUT)?;
    let closing = tail
        .get(END.len()..)
        .and_then(|tail| tail.strip_prefix(label))
        .ok_or("a PEM block ends with another label than it begins with")?;
    let rest = closing.strip_prefix(DASHES).ok_or(CUT)?;
    let whole = text.get(..text.len() - rest.len()).ok_or(CUT)?;
    Ok(Block { label, whole, body })
}

impl Block<'_> {
    fn items(&self, passphrase: &Passphrase<'_>) -> Result<Vec<Item>> {
        if PASSED_OVER.contains(&self.label) {
            return Ok(Vec::new());
        }
        if self.label == "OPENSSH PRIVATE KEY" {
            return Ok(vec![ssh::read_private(self.whole, passphrase)?]);
        }
        if let Some((_, what)) = REFUSED.iter().find(|(label, _)| *label == self.label) {
            return Err(format!("{what} can't be imported").into());
        }
        let Some((_, shape)) = LABELS.iter().find(|(label, _)| *label == self.label) else {
            return Err("this is no kind of key or certificate that is known here".into());
        };
        if self.body.contains("Proc-Type:") {
            return Err("encrypted in OpenSSL's traditional way, which is weak: `openssl pkcs8 -topk8 -in FILE -out NEW` encrypts it anew".into());
        }
        parse(*shape, &self.der()?, passphrase)
    }

    fn der(&self) -> Result<SecretBytes> {
        let body: Zeroizing<String> =
            Zeroizing::new(self.body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
        match Base64::decode_vec(&body) {
            Ok(der) => Ok(SecretBytes::from(der)),
            Err(_) => Err("what is between BEGIN and END is not Base64".into()),
        }
    }
}

/// One block with lines of 64 characters.
pub fn encode(label: &'static str, der: &[u8]) -> std::result::Result<SecretBytes, String> {
    let pem = der::pem::encode_string(label, LineEnding::LF, der);
    pem.map(|text| SecretBytes::from(text.into_bytes())).map_err(|error| format!("PEM: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_cut_out() {
        let text =
            "noise\n-----BEGIN A-----\nAA==\n-----END A-----\nx\n-----BEGIN B-----\nAA==\n-----END B-----";
        let labels: Vec<&str> = split(text).map(|block| block.unwrap().label).collect();
        assert_eq!(labels, ["A", "B"]);
        assert!(split("-----BEGIN A-----\nAA==\n-----END A").next().unwrap().is_err());
        assert!(split("-----BEGIN A-----\nAA==\n-----END B-----").next().unwrap().is_err());
    }

    #[test]
    fn long_and_indented_lines_are_read() {
        for body in ["\r\nAQID\r\nBAUG\r\n", "\n    AQIDBAUG\n", "AQIDBAUG"] {
            let text = format!("-----BEGIN X-----{body}-----END X-----");
            assert_eq!(&*first(&text).unwrap().der().unwrap(), [1, 2, 3, 4, 5, 6], "{body:?}");
        }
    }
}
