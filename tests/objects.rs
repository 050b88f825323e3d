//! Object classes beside keys and data, through the C ABI: domain parameters, certificates of rare types, trust,
//! hardware features, validations.

#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::token;
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, RO, RW};

/// Oakley group 2 of RFC 2409, 1024 bits, which belongs to nobody's keys here.
const PRIME: &[u8] = &[
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc9, 0x0f, 0xda, 0xa2, 0x21, 0x68, 0xc2, 0x34, 0xc4,
    0xc6, 0x62, 0x8b, 0x80, 0xdc, 0x1c, 0xd1, 0x29, 0x02, 0x4e, 0x08, 0x8a, 0x67, 0xcc, 0x74, 0x02, 0x0b,
    0xbe, 0xa6, 0x3b, 0x13, 0x9b, 0x22, 0x51, 0x4a, 0x08, 0x79, 0x8e, 0x34, 0x04, 0xdd, 0xef, 0x95, 0x19,
    0xb3, 0xcd, 0x3a, 0x43, 0x1b, 0x30, 0x2b, 0x0a, 0x6d, 0xf2, 0x5f, 0x14, 0x37, 0x4f, 0xe1, 0x35, 0x6d,
    0x6d, 0x51, 0xc2, 0x45, 0xe4, 0x85, 0xb5, 0x76, 0x62, 0x5e, 0x7e, 0xc6, 0xf4, 0x4c, 0x42, 0xe9, 0xa6,
    0x37, 0xed, 0x6b, 0x0b, 0xff, 0x5c, 0xb6, 0xf4, 0x06, 0xb7, 0xed, 0xee, 0x38, 0x6b, 0xfb, 0x5a, 0x89,
    0x9f, 0xa5, 0xae, 0x9f, 0x24, 0x11, 0x7c, 0x4b, 0x1f, 0xe6, 0x49, 0x28, 0x66, 0x51, 0xec, 0xe6, 0x53,
    0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
];

#[test]
fn domain_parameters_are_kept_and_found() {
    let token = token();
    let session = token.session(RW).unwrap();
    let subprime = [&[0xf1][..], &[0x55; 19]].concat();
    for (key_type, subprime_wanted) in [(CKK_DH, false), (CKK_DSA, true), (CKK_X9_42_DH, true)] {
        let mut template = vec![
            Attr::class(CKO_DOMAIN_PARAMETERS),
            Attr::key_type(key_type),
            Attr::token(true),
            Attr::bytes(CKA_PRIME, PRIME),
            Attr::bytes(CKA_BASE, &[2]),
        ];
        if subprime_wanted {
            assert_eq!(session.create(&template).unwrap_err(), CKR_TEMPLATE_INCOMPLETE);
            template.push(Attr::bytes(CKA_SUBPRIME, &subprime));
        }
        let made = session.create(&template).unwrap();
        assert_eq!(session.get_ulong(made, CKA_PRIME_BITS).unwrap(), 1024);
        assert!(!session.get_bool(made, CKA_LOCAL).unwrap());
        assert!(!session.get_bool(made, CKA_PRIVATE).unwrap());
        assert_eq!(session.get(made, CKA_PRIME).unwrap(), PRIME);
        match subprime_wanted {
            true => assert_eq!(session.get_ulong(made, CKA_SUBPRIME_BITS).unwrap(), 160),
            false => {
                assert_eq!(session.get(made, CKA_SUBPRIME_BITS).unwrap_err(), CKR_ATTRIBUTE_TYPE_INVALID)
            }
        }
        let found = [Attr::class(CKO_DOMAIN_PARAMETERS), Attr::key_type(key_type)];
        assert_eq!(session.find(&found).unwrap(), [made]);
        let copy = session.copy(made, &[Attr::label("copy")]).unwrap();
        assert_eq!(session.get(copy, CKA_BASE).unwrap(), [2]);
        assert_eq!(session.set(made, &[Attr::bytes(CKA_BASE, &[3])]).unwrap_err(), CKR_ATTRIBUTE_READ_ONLY);
        session.destroy(copy).unwrap();
        session.destroy(made).unwrap();
    }
}

#[test]
fn domain_parameters_that_contradict_themselves_are_refused() {
    let token = token();
    let session = token.session(RW).unwrap();
    let refused = |key_type, more: &[Attr]| {
        let template = [&[Attr::class(CKO_DOMAIN_PARAMETERS), Attr::key_type(key_type)][..], more].concat();
        session.create(&template).unwrap_err()
    };
    let prime = || Attr::bytes(CKA_PRIME, PRIME);
    assert_eq!(refused(CKK_DH, &[prime(), Attr::bytes(CKA_BASE, &[1])]), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_eq!(refused(CKK_DH, &[prime(), Attr::bytes(CKA_BASE, &[])]), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_eq!(refused(CKK_DH, &[prime(), Attr::bytes(CKA_BASE, PRIME)]), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_eq!(
        refused(CKK_DH, &[Attr::bytes(CKA_PRIME, &[0x80, 0]), Attr::bytes(CKA_BASE, &[2])]),
        CKR_ATTRIBUTE_VALUE_INVALID
    );
    let bits = Attr::ulong(CKA_PRIME_BITS, 1024);
    assert_eq!(refused(CKK_DH, &[prime(), Attr::bytes(CKA_BASE, &[2]), bits]), CKR_ATTRIBUTE_READ_ONLY);
    assert_eq!(refused(CKK_AES, &[prime(), Attr::bytes(CKA_BASE, &[2])]), CKR_TEMPLATE_INCONSISTENT);
}

#[test]
fn wtls_and_attribute_certificates_are_kept() {
    let token = token();
    let session = token.session(RW).unwrap();
    let wtls = [
        Attr::class(CKO_CERTIFICATE),
        Attr::ulong(CKA_CERTIFICATE_TYPE, CKC_WTLS),
        Attr::token(true),
        Attr::bytes(CKA_SUBJECT, b"a WTLS subject"),
        Attr::bytes(CKA_ISSUER, b"a WTLS issuer"),
        Attr::value(b"a WTLS certificate"),
    ];
    assert_eq!(session.create(&wtls[..3]).unwrap_err(), CKR_TEMPLATE_INCOMPLETE);
    let wtls = session.create(&wtls).unwrap();
    let attributes = [
        Attr::class(CKO_CERTIFICATE),
        Attr::ulong(CKA_CERTIFICATE_TYPE, CKC_X_509_ATTR_CERT),
        Attr::token(true),
        Attr::bytes(CKA_OWNER, b"an owner"),
        Attr::bytes(CKA_AC_ISSUER, b"an issuer"),
        Attr::bytes(CKA_SERIAL_NUMBER, b"\x02\x01\x07"),
        Attr::bytes(CKA_ATTR_TYPES, b"types"),
        Attr::value(b"an attribute certificate"),
    ];
    assert_eq!(session.create(&attributes[..3]).unwrap_err(), CKR_TEMPLATE_INCOMPLETE);
    let attributes = session.create(&attributes).unwrap();
    for (object, kind, value) in [
        (wtls, CKC_WTLS, &b"a WTLS certificate"[..]),
        (attributes, CKC_X_509_ATTR_CERT, b"an attribute certificate"),
    ] {
        let template = [Attr::class(CKO_CERTIFICATE), Attr::ulong(CKA_CERTIFICATE_TYPE, kind)];
        assert_eq!(session.find(&template).unwrap(), [object]);
        assert_eq!(session.get(object, CKA_VALUE).unwrap(), value);
        // Public, untrusted, and with the first bytes of its hash.
        assert!(!session.get_bool(object, CKA_PRIVATE).unwrap());
        assert!(!session.get_bool(object, CKA_TRUSTED).unwrap());
        assert_eq!(session.get(object, CKA_CHECK_VALUE).unwrap().len(), 3);
    }
    assert_eq!(session.find(&[Attr::bytes(CKA_OWNER, b"an owner")]).unwrap(), [attributes]);
    session.set(attributes, &[Attr::bytes(CKA_AC_ISSUER, b"another")]).unwrap();
    assert_eq!(session.get(attributes, CKA_AC_ISSUER).unwrap(), b"another");
    assert_eq!(session.set(wtls, &[Attr::value(b"x")]).unwrap_err(), CKR_ATTRIBUTE_READ_ONLY);
    assert_eq!(session.get(wtls, CKA_SERIAL_NUMBER).unwrap_err(), CKR_ATTRIBUTE_TYPE_INVALID);
}

#[test]
fn trust_is_kept_whole() {
    const USES: [CK_ATTRIBUTE_TYPE; 7] = [
        CKA_TRUST_SERVER_AUTH,
        CKA_TRUST_CLIENT_AUTH,
        CKA_TRUST_CODE_SIGNING,
        CKA_TRUST_EMAIL_PROTECTION,
        CKA_TRUST_IPSEC_IKE,
        CKA_TRUST_TIME_STAMPING,
        CKA_TRUST_OCSP_SIGNING,
    ];
    let token = token();
    let session = token.session(RW).unwrap();
    let name = [
        Attr::class(CKO_TRUST),
        Attr::token(true),
        Attr::bytes(CKA_ISSUER, b"an issuer"),
        Attr::bytes(CKA_SERIAL_NUMBER, b"\x02\x01\x01"),
    ];
    let anchors: Vec<Attr> =
        USES.iter().map(|of| Attr::ulong(*of, CK_ULONG::from(CKT_TRUST_ANCHOR))).collect();
    // Whoever trusts says in what; whoever distrusts need not.
    assert_eq!(session.create(&[&name[..], &anchors].concat()).unwrap_err(), CKR_TEMPLATE_INCOMPLETE);
    let distrust = session
        .create(&[&name[..], &[Attr::ulong(USES[0], CK_ULONG::from(CKT_NOT_TRUSTED))]].concat())
        .unwrap();
    session.destroy(distrust).unwrap();
    let hash =
        [Attr::bytes(CKA_HASH_OF_CERTIFICATE, &[7; 32]), Attr::ulong(CKA_NAME_HASH_ALGORITHM, CKM_SHA256)];
    let trust = session.create(&[&name[..], &anchors, &hash].concat()).unwrap();
    // As NSS asks: by issuer and serial number.
    assert_eq!(session.find(&[Attr::class(CKO_TRUST), name[2].clone(), name[3].clone()]).unwrap(), [trust]);
    for of in USES {
        assert_eq!(session.get_ulong(trust, of).unwrap(), CK_ULONG::from(CKT_TRUST_ANCHOR));
        session.set(trust, &[Attr::ulong(of, CK_ULONG::from(CKT_NOT_TRUSTED))]).unwrap();
        assert_eq!(session.get_ulong(trust, of).unwrap(), CK_ULONG::from(CKT_NOT_TRUSTED));
    }
    assert!(
        session.get_bool(trust, CKA_MODIFIABLE).unwrap() && !session.get_bool(trust, CKA_PRIVATE).unwrap()
    );
    assert_eq!(session.set(trust, &[Attr::bytes(CKA_ISSUER, b"x")]).unwrap_err(), CKR_ATTRIBUTE_READ_ONLY);
}

#[test]
fn the_clock_shows_when_asked_for() {
    let token = token();
    let session = token.session(RO).unwrap();
    let now = || {
        let date = Command::new("date").args(["-u", "+%Y%m%d%H%M%S00"]).output().unwrap();
        String::from_utf8(date.stdout).unwrap().trim().as_bytes().to_vec()
    };
    for template in [
        vec![Attr::class(CKO_HW_FEATURE)],
        vec![Attr::ulong(CKA_HW_FEATURE_TYPE, CKH_CLOCK)],
        vec![Attr::class(CKO_HW_FEATURE), Attr::ulong(CKA_HW_FEATURE_TYPE, CKH_CLOCK)],
    ] {
        let found = session.find(&template).unwrap();
        let [clock] = found[..] else { panic!("{found:?}") };
        let before = now();
        let shown = session.get(clock, CKA_VALUE).unwrap();
        assert!(before <= shown && shown <= now(), "{shown:?}");
        assert_eq!(session.get(clock, CKA_TOKEN).unwrap_err(), CKR_ATTRIBUTE_TYPE_INVALID);
        assert_eq!(session.set(clock, &[Attr::value(&before)]).unwrap_err(), CKR_ACTION_PROHIBITED);
        assert_eq!(session.destroy(clock).unwrap_err(), CKR_ACTION_PROHIBITED);
        assert!(session.copy(clock, &[]).is_err());
    }
    assert!(session.find(&[]).unwrap().is_empty());
    assert!(session.find(&[Attr::ulong(CKA_HW_FEATURE_TYPE, CKH_MONOTONIC_COUNTER)]).unwrap().is_empty());
    let before = now();
    let info = token.module.token_info(token.slot).unwrap();
    assert!(info.flags & CKF_CLOCK_ON_TOKEN != 0);
    assert!(before <= info.utcTime.to_vec() && info.utcTime.to_vec() <= now());
}

#[test]
fn no_build_claims_a_validation() {
    let token = token();
    let session = token.session(RO).unwrap();
    assert!(session.find(&[Attr::class(CKO_VALIDATION)]).unwrap().is_empty());
}

#[test]
fn built_in_objects_have_lasting_names() {
    let mut token = token();
    let names = |token: &keyward_conformance::TestToken| {
        let session = token.session(RO).unwrap();
        let classes = [CKO_PROFILE, CKO_MECHANISM, CKO_HW_FEATURE];
        let objects = classes.iter().flat_map(|class| session.find(&[Attr::class(*class)]).unwrap());
        objects.map(|object| session.get(object, CKA_UNIQUE_ID).unwrap()).collect::<Vec<_>>()
    };
    let first = names(&token);
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), first.len());
    token.restart().unwrap();
    assert_eq!(names(&token), first);
    assert_ne!(names(&common::token()), first);
}
