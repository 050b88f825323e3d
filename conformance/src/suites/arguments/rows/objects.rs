//! Objects and searches.

use cryptoki_sys::*;

use super::{Row, row};
use crate::suites::arguments::call::Arg;
use crate::suites::fixture;
use crate::{Attr, Object, Session};

/// An object of the session's own.
fn object(session: &Session) -> Result<Object, crate::Rv> {
    session.create(&fixture::data_template("own", b"x"))
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("C_CreateObject", |_, _| {
            let template = fixture::with(fixture::secret_template(&[3; 16]), &[Attr::private(false)]);
            Ok(vec![Arg::Session, Arg::Template(template), Arg::Place(1)])
        }),
        row("C_CopyObject", |scene, _| {
            let template = vec![Attr::label("copy"), Attr::private(false), Attr::token(false)];
            Ok(vec![Arg::Session, Arg::Object(scene.secret), Arg::Template(template), Arg::Place(1)])
        }),
        row("C_DestroyObject", |_, s| Ok(vec![Arg::Session, Arg::Object(object(s)?)])),
        row("C_GetObjectSize", |scene, _| Ok(vec![Arg::Session, Arg::Object(scene.data), Arg::Place(1)])),
        row("C_GetAttributeValue", |scene, _| {
            Ok(vec![Arg::Session, Arg::Object(scene.data), Arg::Wanted(CKA_CLASS, 8)])
        }),
        row("C_SetAttributeValue", |_, s| {
            let changes = Arg::Search(vec![Attr::label("changed")]);
            Ok(vec![Arg::Session, Arg::Object(object(s)?), changes])
        }),
        row("C_FindObjectsInit", |_, _| Ok(vec![Arg::Session, Arg::Search(vec![Attr::class(CKO_DATA)])]))
            .begins(),
        row("C_FindObjects", |_, _| Ok(vec![Arg::Session, Arg::Place(4), Arg::Value(4), Arg::Place(1)]))
            .after(|_, s| Ok(s.find_init(&[])?)),
        row("C_FindObjectsFinal", |_, _| Ok(vec![Arg::Session])).after(|_, s| Ok(s.find_init(&[])?)),
    ]
}
