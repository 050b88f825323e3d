//! Groups: the same keys in two places, of which one may be away.

use std::thread;
use std::time::{Duration, Instant};

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech};
use serde_json::json;

use crate::support::desk::{Desk, one, private, public};
use crate::support::openbao::OpenBao;
use crate::support::proxy::{Fault, Proxy};

/// A server whose two mounts hold the same key.
fn twins() -> OpenBao {
    let bao = OpenBao::start();
    for mount in ["one", "two"] {
        bao.write(&format!("sys/mounts/{mount}"), json!({ "type": "transit" }));
    }
    let kept = json!({ "type": "ecdsa-p256", "exportable": true, "allow_plaintext_backup": true });
    bao.write("one/keys/tls", kept);
    let backup = bao.read("one/backup/tls")["data"]["backup"].clone();
    bao.write("two/restore/tls", json!({ "backup": backup }));
    // The same name, another key.
    for mount in ["one", "two"] {
        bao.write(&format!("{mount}/keys/other"), json!({ "type": "ecdsa-p256" }));
    }
    bao
}

#[test]
fn a_member_that_is_away_is_replaced() {
    let bao = twins();
    let port = bao.address().rsplit_once(':').unwrap().1.parse().unwrap();
    let (first, second) = (Proxy::start(port), Proxy::start(port));
    let token = bao.write_file("token", bao.root_token());
    let entry = |label: &str, proxy: &Proxy| {
        format!(
            "[[slot]]\nbackend = \"kms\"\nprovider = \"vault\"\nlabel = \"{label}\"\nmount = \"{label}\"\naddress = \"{}\"\n\
             token_file = \"{}\"\n",
            proxy.address(),
            token.display()
        )
    };
    let group = "[[slot]]\nbackend = \"group\"\nlabel = \"both\"\nmembers = [\"one\", \"two\"]\n";
    let desk = Desk::start(&(entry("one", &first) + &entry("two", &second) + group));
    let session = desk.session("both");
    let key = one(&session, &[Attr::class(CKO_PRIVATE_KEY), Attr::label("tls")]);
    let public = public(&session, "tls");
    let sign = || {
        let signature = session.sign(&Mech::new(CKM_ECDSA_SHA256), key, b"message").unwrap();
        session.verify(&Mech::new(CKM_ECDSA_SHA256), public, b"message", &signature).unwrap();
    };
    first.asked();
    second.asked();
    sign();
    assert_eq!((first.asked(), second.asked()), (vec!["POST /v1/one/sign/tls".to_owned()], vec![]));

    // The first refuses to serve: the second does, within the same call, and goes on without asking the first.
    first.next(vec![Fault::Reset; 20]);
    sign();
    assert_eq!(second.asked(), ["POST /v1/two/sign/tls"]);
    first.asked();
    sign();
    assert_eq!((first.asked(), second.asked().len()), (vec![], 1));
    assert!(desk.log().contains("two served"));
    first.clear();

    // Keys that have but the name in common are two.
    let mine = [Attr::class(CKO_PRIVATE_KEY), Attr::label("other")];
    let end = Instant::now() + Duration::from_secs(60);
    // Those of the first member show as soon as it is asked again.
    let others = loop {
        let found = session.find(&mine).unwrap();
        if found.len() == 2 {
            break found;
        }
        assert!(Instant::now() < end, "the member that is back is not asked");
        thread::sleep(Duration::from_millis(200));
    };
    let members = [desk.session("one"), desk.session("two")];
    let ids: Vec<Vec<u8>> =
        members.iter().map(|member| member.get(private(member, "other"), CKA_ID).unwrap()).collect();
    let shown: Vec<Vec<u8>> = others.iter().map(|key| session.get(*key, CKA_ID).unwrap()).collect();
    assert_eq!(shown, ids);
}

#[test]
fn a_group_needs_members() {
    for (keys, told) in [
        ("", "members"),
        ("members = [\"nobody\"]", "nobody"),
        ("members = [\"nobody\"]\naddress = \"https://x\"", "address"),
        ("members = [\"nobody\"]\npin = \"secret\"", "secret"),
    ] {
        let desk = Desk::idle(&format!("[[slot]]\nbackend = \"group\"\n{keys}\n"));
        assert_eq!(desk.initialize().unwrap_err(), CKR_FUNCTION_FAILED, "{keys}");
        assert!(desk.log().contains(told), "{keys}: {}", desk.log());
    }
}
