//! SubjectPublicKeyInfo and PKCS#8.

use super::super::*;
use super::hex;

fn round_trip(key: &PrivateKey) {
    let spki = key.public().to_spki().unwrap();
    assert_eq!(PublicKey::from_spki(&spki).unwrap().to_spki().unwrap(), spki);
    let pkcs8 = key.to_pkcs8().unwrap();
    let again = PrivateKey::from_pkcs8(&pkcs8).unwrap();
    assert_eq!(again.to_pkcs8().unwrap(), pkcs8);
    assert_eq!(again.public().to_spki().unwrap(), spki);
    // Nothing shorter, longer or changed in its outer shape may panic, and nothing cut or padded may parse.
    for len in (0..pkcs8.len()).step_by(7) {
        assert!(PrivateKey::from_pkcs8(&pkcs8[..len]).is_err());
    }
    assert!(PrivateKey::from_pkcs8(&[&pkcs8[..], &[0]].concat()).is_err());
    for at in 0..40.min(spki.len()) {
        let mut damaged = spki.clone();
        damaged[at] ^= 0x21;
        let _ = PublicKey::from_spki(&damaged);
    }
}

#[test]
fn every_algorithm() {
    round_trip(&PrivateKey::Rsa(RsaPrivate::generate(1024, &[1, 0, 1]).unwrap()));
    for curve in Curve::ALL {
        round_trip(&PrivateKey::Ec(EcPrivate::generate(curve).unwrap()));
    }
    round_trip(&PrivateKey::Ed25519(Ed25519Private::generate().unwrap()));
    round_trip(&PrivateKey::X25519(X25519Private::generate().unwrap()));
    for curve in OkpCurve::ALL {
        round_trip(&PrivateKey::generate_okp(curve).unwrap());
    }
    let group = DhGroup::of_size(2048).unwrap();
    round_trip(&PrivateKey::Dh(DhPrivate::generate(&group, None).unwrap()));
    for set in MlDsaSet::ALL {
        let key = MlDsaPrivate::generate(set).unwrap();
        round_trip(&PrivateKey::MlDsa(MlDsaPrivate::from_expanded(set, &key.expanded().unwrap()).unwrap()));
        round_trip(&PrivateKey::MlDsa(key));
    }
}

#[test]
fn ed25519_of_rfc8410() {
    // Section 10.3, without and with attributes and public key; section 10.1.
    let plain = hex(
        "302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842",
    );
    let key = PrivateKey::from_pkcs8(&plain).unwrap();
    assert_eq!(key.to_pkcs8().unwrap()[..], plain);
    let spki =
        hex("302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
    assert_eq!(key.public().to_spki().unwrap(), spki);
    let extended = hex(
        "3072020101300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842
         a01f301d060a2a864886f70d01090914310f0c0d437572646c6520436861697273
         81210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
    );
    assert_eq!(PrivateKey::from_pkcs8(&extended).unwrap().to_pkcs8().unwrap()[..], plain);
}

#[test]
fn ec_public_point_is_optional_but_must_fit() {
    let PrivateKey::Ec(key) = PrivateKey::Ec(EcPrivate::from_scalar(Curve::P256, &[5]).unwrap()) else {
        return;
    };
    let whole = PrivateKey::Ec(key.clone()).to_pkcs8().unwrap();
    let head = hex("30130607 2a8648ce3d0201 0608 2a8648ce3d030107");
    let scalar = [&[0x04, 32][..], &key.scalar()].concat();
    let inner = |rest: &[u8]| {
        let body = [&[2, 1, 1][..], &scalar, rest].concat();
        let inner = [&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat();
        let body = [&[2, 1, 0][..], &head, &[4, u8::try_from(inner.len()).unwrap()], &inner].concat();
        [
            &[0x30][..],
            if body.len() < 128 { &[] } else { &[0x81] },
            &[u8::try_from(body.len()).unwrap()],
            &body,
        ]
        .concat()
    };
    let bare = PrivateKey::from_pkcs8(&inner(&[])).unwrap();
    assert_eq!(bare.to_pkcs8().unwrap(), whole);
    let named = [&[0xa0, 10][..], Curve::P256.oid_der()].concat();
    assert!(PrivateKey::from_pkcs8(&inner(&named)).is_ok());
    let misnamed = [&[0xa0, 7][..], Curve::P384.oid_der()].concat();
    assert!(PrivateKey::from_pkcs8(&inner(&misnamed)).is_err());
    let public = |point: Vec<u8>| [&[0xa1, 68, 3, 66, 0][..], &point].concat();
    assert_eq!(inner(&public(key.public().point())), whole[..]);
    let other = EcPrivate::from_scalar(Curve::P256, &[6]).unwrap().public().point();
    assert!(PrivateKey::from_pkcs8(&inner(&public(other))).is_err());
}

#[test]
fn sec1_names_its_curve() {
    let key = PrivateKey::Ec(EcPrivate::from_scalar(Curve::P256, &[5]).unwrap());
    let scalar = [&[4, 32][..], &[0; 31], &[5]].concat();
    let named = [&[0xa0, 10][..], Curve::P256.oid_der()].concat();
    let encoding = |rest: &[u8]| {
        let body = [&[2, 1, 1][..], &scalar, rest].concat();
        [&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat()
    };
    let read = PrivateKey::from_sec1(&encoding(&named)).unwrap();
    assert_eq!(read.to_pkcs8().unwrap(), key.to_pkcs8().unwrap());
    assert!(matches!(PrivateKey::from_sec1(&encoding(&[])), Err(Error::Key(why)) if why.contains("curve")));
    let p224 = [&[0xa0, 7, 6, 5][..], &[0x2b, 0x81, 4, 0, 0x21]].concat();
    assert_eq!(PrivateKey::from_sec1(&encoding(&p224)).err(), Some(Error::Curve));
    let after = [encoding(&named), vec![0]].concat();
    assert!(PrivateKey::from_sec1(&after).is_err());
}

#[test]
fn ml_dsa_in_three_forms() {
    let set = MlDsaSet::MlDsa44;
    let key = MlDsaPrivate::generate(set).unwrap();
    let seed_form = PrivateKey::MlDsa(key.clone()).to_pkcs8().unwrap();
    assert_eq!(seed_form.len(), 54);
    assert_eq!(seed_form[..22], hex("3034020100300b06096086480165030403110422 8020")[..]);
    let (seed, expanded) = (key.seed().unwrap(), key.expanded().unwrap());
    let both = |seed: &[u8]| {
        let head = hex("30820a3e 020100 300b0609608648016503040311 04820a2a 30820a26 0420");
        [&head[..], seed, &hex("04820a00"), &expanded].concat()
    };
    let PrivateKey::MlDsa(read) = PrivateKey::from_pkcs8(&both(&seed)).unwrap() else { panic!() };
    assert_eq!(read.seed().unwrap(), seed);
    assert!(matches!(PrivateKey::from_pkcs8(&both(&[7; 32])), Err(Error::Key(_))));
}

#[test]
fn unsupported_and_malformed() {
    // P-224, explicit parameters, an unknown algorithm, rubbish.
    let p224 = hex("3010 06072a8648ce3d0201 06052b81040021");
    let spki = [&[0x30, 22][..], &p224, &[3, 2, 0, 4]].concat();
    assert_eq!(PublicKey::from_spki(&spki).err(), Some(Error::Curve));
    let explicit = hex("300d06072a8648ce3d02013002 0500");
    let spki = [&[0x30, 19][..], &explicit, &[3, 2, 0, 4]].concat();
    assert_eq!(PublicKey::from_spki(&spki).err(), Some(Error::Curve));
    for bad in ["", "00", "3000", "3080", "30840fffffff", "3003020100", "300a300506032b650303020000"] {
        assert!(matches!(PublicKey::from_spki(&hex(bad)), Err(Error::Key(_))), "{bad}");
        assert!(matches!(PrivateKey::from_pkcs8(&hex(bad)), Err(Error::Key(_))), "{bad}");
    }
}
