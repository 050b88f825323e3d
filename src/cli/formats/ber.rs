//! BER into DER, as far as PKCS#12 needs it: NSS (Firefox, Thunderbird, pk12util) writes elements of indefinite length
//! and OCTET STRINGs in pieces (X.690, sections 8.1.3.6 and 8.7), which no parser of DER takes.

const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;
const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
/// `[0]` around several elements.
const CONTEXT_0: u8 = 0xa0;
/// A tag of several bytes follows.
const LONG_TAG: u8 = 0x1f;
const INDEFINITE: u8 = 0x80;

/// PKCS#12 nests about half as deep.
const MAX_DEPTH: usize = 24;

/// An element: its tag, and what is in it.
struct Element<'a> {
    tag: u8,
    body: Body<'a>,
}

enum Body<'a> {
    Primitive(&'a [u8]),
    Constructed(Vec<Element<'a>>),
}

/// True for what begins with an element of indefinite length.
pub(super) fn looks_like_it(content: &[u8]) -> bool {
    content.starts_with(&[SEQUENCE, INDEFINITE])
}

/// A PFX in DER with its MAC, and in DER throughout without it: the MAC is over the BER that is inside.
pub(super) fn pfx(content: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (pfx, rest) = element(content, MAX_DEPTH)?;
    let outside = pfx.to_der(false);
    let Body::Constructed(mut parts) = pfx.body else { return None };
    parts.truncate(2);
    let inside = Element { tag: pfx.tag, body: Body::Constructed(parts) }.to_der(true);
    rest.is_empty().then_some((outside, inside))
}

/// The element that `bytes` begin with, and what follows it.
fn element(bytes: &[u8], depth: usize) -> Option<(Element<'_>, &[u8])> {
    let depth = depth.checked_sub(1)?;
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let constructed = tag & CONSTRUCTED != 0;
    if tag & LONG_TAG == LONG_TAG {
        return None;
    }
    if first == INDEFINITE {
        let (children, rest) = if constructed { until_end(rest, depth)? } else { return None };
        return Some((Element { tag, body: Body::Constructed(children) }, rest));
    }
    let (len, rest) = length(first, rest)?;
    let (value, rest) = rest.split_at_checked(len)?;
    let body = if constructed { Body::Constructed(all(value, depth)?) } else { Body::Primitive(value) };
    Some((Element { tag, body }, rest))
}

/// A definite length.
fn length(first: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
    let count = match first {
        0..=0x7f => return Some((usize::from(first), rest)),
        0x81..=0x84 => usize::from(first & 0x7f),
        _ => return None,
    };
    let (octets, rest) = rest.split_at_checked(count)?;
    Some((octets.iter().fold(0, |len, octet| len << 8 | usize::from(*octet)), rest))
}

/// The elements up to the end-of-contents octets, and what follows those.
fn until_end(mut rest: &[u8], depth: usize) -> Option<(Vec<Element<'_>>, &[u8])> {
    let mut children = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(&[0, 0]) {
            return Some((children, after));
        }
        let (child, after) = element(rest, depth)?;
        children.push(child);
        rest = after;
    }
}

fn all(mut rest: &[u8], depth: usize) -> Option<Vec<Element<'_>>> {
    let mut children = Vec::new();
    while !rest.is_empty() {
        let (child, after) = element(rest, depth)?;
        children.push(child);
        rest = after;
    }
    Some(children)
}

impl Element<'_> {
    /// In DER; `inside`: also what OCTET STRINGs hold, where that is BER.
    fn to_der(&self, inside: bool) -> Vec<u8> {
        match &self.body {
            _ if self.tag & !CONSTRUCTED == OCTET_STRING => self.octets(OCTET_STRING, inside),
            Body::Primitive(value) => encode(self.tag, value),
            Body::Constructed(children) => {
                // EncryptedContentInfo: its content is an OCTET STRING tagged [0] IMPLICIT, in pieces or whole.
                let pieces = matches!(
                    children[..],
                    [Element { tag: OID, .. }, Element { tag: SEQUENCE, .. }, Element { tag: CONTEXT_0, .. }]
                );
                let parts = children.iter().enumerate().map(|(at, child)| match pieces && at == 2 {
                    true => child.octets(CONTEXT_0 & !CONSTRUCTED, false),
                    false => child.to_der(inside),
                });
                encode(self.tag, &parts.collect::<Vec<_>>().concat())
            }
        }
    }

    /// An OCTET STRING in one piece, under this tag.
    fn octets(&self, tag: u8, inside: bool) -> Vec<u8> {
        let mut value = Vec::new();
        self.gather(&mut value);
        let converted =
            Some(()).filter(|()| inside && looks_like_it(&value)).and_then(|()| element(&value, MAX_DEPTH));
        match converted {
            Some((element, [])) => encode(tag, &element.to_der(inside)),
            _ => encode(tag, &value),
        }
    }

    fn gather(&self, into: &mut Vec<u8>) {
        match &self.body {
            Body::Primitive(value) => into.extend_from_slice(value),
            Body::Constructed(children) => children.iter().for_each(|child| child.gather(into)),
        }
    }
}

fn encode(tag: u8, value: &[u8]) -> Vec<u8> {
    let digits = value.len().to_be_bytes();
    let digits = digits.get(digits.iter().take_while(|digit| **digit == 0).count()..).unwrap_or_default();
    let mut der = vec![tag];
    match (value.len(), u8::try_from(value.len())) {
        (..0x80, Ok(short)) => der.push(short),
        _ => {
            der.extend(u8::try_from(digits.len()).map(|count| 0x80 | count));
            der.extend_from_slice(digits);
        }
    }
    der.extend_from_slice(value);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indefinite_lengths_and_pieces_become_der() {
        // SEQUENCE { INTEGER 3, OCTET STRING in two pieces }, both of indefinite length.
        let ber = [0x30, 0x80, 2, 1, 3, 0x24, 0x80, 4, 1, 7, 4, 2, 8, 9, 0, 0, 0, 0];
        let (element, rest) = element(&ber, MAX_DEPTH).unwrap();
        assert!(rest.is_empty());
        assert_eq!(element.to_der(false), [0x30, 8, 2, 1, 3, 4, 3, 7, 8, 9]);
        for len in 0..ber.len() {
            assert!(super::element(&ber[..len], MAX_DEPTH).is_none());
        }
        let nested = [[0x30, 0x80].repeat(1000), [0, 0].repeat(1000)].concat();
        assert!(super::element(&nested, MAX_DEPTH).is_none());
    }
}
