//! The mandatory test cases of the OASIS profiles, interpreted from their XML.
//!
//! `data/oasis/README.md` says which values are compared and which belong to the implementation.

mod calls;
mod player;

use cryptoki_sys::*;
use roxmltree::{Document, Node};

use super::fixture::{self, with};
use crate::runner::{Case, Check, Context, Failure, Suite};
use crate::{Attr, TestToken, unhex};
use player::Player;

struct Source {
    name: &'static str,
    text: &'static str,
    prepare: fn(&TestToken, &Document<'_>) -> Check,
}

const SOURCES: &[Source] = &[
    Source { name: "BL-M-1-32", text: include_str!("../../../data/oasis/BL-M-1-32.xml"), prepare: nothing },
    Source { name: "EXT-M-1-32", text: include_str!("../../../data/oasis/EXT-M-1-32.xml"), prepare: nothing },
    Source {
        name: "AUTH-M-1-32",
        text: include_str!("../../../data/oasis/AUTH-M-1-32.xml"),
        prepare: key_pair,
    },
    Source {
        name: "CERT-M-1-32",
        text: include_str!("../../../data/oasis/CERT-M-1-32.xml"),
        prepare: certificates,
    },
];

/// The suite.
pub fn suite() -> Suite {
    let case = |source: &'static Source| {
        Case::many(source.name, move |context, tally| {
            tally.record(source.name, run(source, context));
            Ok(())
        })
    };
    Suite { name: "oasis", cases: SOURCES.iter().map(case).collect() }
}

fn run(source: &Source, context: &Context) -> Check {
    let text: Vec<&str> = source.text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let text = text.join("\n");
    let document = Document::parse(&text).map_err(|error| Failure::Failed(error.to_string()))?;
    let mut token = context.token()?;
    (source.prepare)(&token, &document)?;
    // Some modules number their slots anew at C_Initialize: learn the number that the case will see.
    token.restart()?;
    token.module.finalize()?;
    let mut player = Player::new(&token);
    let steps: Vec<Node<'_, '_>> = document.root_element().children().filter(Node::is_element).collect();
    for pair in steps.chunks(2) {
        let [request, response] = pair else {
            return Err(Failure::Failed("a call without its result".into()));
        };
        player.play(*request, *response).map_err(|failure| {
            let line = document.text_pos_at(request.range().start).row;
            failure.at(&format!("{} (line {line})", request.tag_name().name()))
        })?;
    }
    Ok(())
}

fn nothing(_: &TestToken, _: &Document<'_>) -> Check {
    Ok(())
}

/// AUTH: the pair that the case searches for.
fn key_pair(token: &TestToken, _: &Document<'_>) -> Check {
    let session = token.user_session()?;
    let (public, private) = fixture::rsa(&session, &[])?;
    let stored = |label| [Attr::token(true), Attr::label(label)];
    session.copy(public, &stored("testrsa-pub"))?;
    session.copy(private, &stored("testrsa-pri"))?;
    Ok(())
}

/// CERT: five public objects; the label and the certificate are those that the case expects to read.
fn certificates(token: &TestToken, document: &Document<'_>) -> Check {
    let expected = |kind: &str| {
        document
            .descendants()
            .find(|node| node.attribute("type") == Some(kind) && node.attribute("value").is_some())
            .and_then(|node| node.attribute("value"))
    };
    let (Some(label), Some(value)) = (expected("LABEL"), expected("VALUE").and_then(unhex)) else {
        return Err(Failure::Failed("the case does not name a label and a certificate".into()));
    };
    let session = token.user_session()?;
    let stored = [Attr::token(true), Attr::private(false)];
    // The case counts the terminator of the label.
    let list = Attr::bytes(CKA_LABEL, &[label.as_bytes(), b"\0"].concat());
    session.create(&with(with(fixture::data_template("", b"roots"), &stored), &[list]))?;
    for number in 0..4_u8 {
        session.create(&with(
            vec![
                Attr::class(CKO_CERTIFICATE),
                Attr::ulong(CKA_CERTIFICATE_TYPE, CKC_X_509),
                Attr::label(&format!("certificate {number}")),
                Attr::id(&[number]),
                Attr::bytes(CKA_SUBJECT, &[0x30, 0x00]),
                Attr::value(&value),
            ],
            &stored,
        ))?;
    }
    Ok(())
}
