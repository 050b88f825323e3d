//! Vectors for hashes beyond SHA-2, made with OpenSSL; those of the key derivation functions with Python's hashlib.
//! Keys and peers are those of `vectors`.

/// PKCS #1 v1.5 with SHA3-224 over "sample".
pub const RSA_PKCS1_SHA3_224: &str = concat!(
    "acde2d6b65dbc8667b70f1c5634551f1665a598dc5d40657d7ee1e4a25330f24c73945d92ed0a6455b3d3d05b59d8db5",
    "8d012e580837fb65d23013fd9746348a56159867f1202c8d27b72e6c0dc678afc5d2d7246009b3023d8dd82ff489f1fe",
    "8444a4626deb5fd67922ef28f2a02d2cd49b6455f3bdf5f814f9ba0e012e56be",
);

/// PKCS #1 v1.5 with SHA3-256 over "sample".
pub const RSA_PKCS1_SHA3_256: &str = concat!(
    "43bc5eed39419b5c2af44505b0bbb85c96f2b166269d131534ff736695f50acdd4304489c01d74c5a747a4c0d2a45015",
    "92302963e33f44f522c9bc8241f7e71761b47c8a4a8a83313aca6e37a14519e572df238cb46c9ef46c4bd7561b150ba7",
    "c80f48ee2212d1b8872ee12a9153206ef5d9c8b6b0dce26e07a3aafca73c84da",
);

/// PKCS #1 v1.5 with SHA3-384 over "sample".
pub const RSA_PKCS1_SHA3_384: &str = concat!(
    "8124dec6441921aa6ebba27747be529d7a65b23cd4e7d1cab16008fecfcf9cbbbedfef9a86ce89a9c78dfb2fdf556cd8",
    "69029f5181ae7a979b6c607c4137a23188e0e46752040dc867b8f9d1f986e6d9cd598c5beba8138e53516d0ed49175fb",
    "587ef6db8a6b78245da6b000b9a1219f0cb634fbac929b7b9f099d708c4882c5",
);

/// PKCS #1 v1.5 with SHA3-512 over "sample".
pub const RSA_PKCS1_SHA3_512: &str = concat!(
    "b2f99bf3889f99bb57b59bd7757fd7d65dc6a023a17d0a3debc95933cf26e54b9a2d4bb0061fbff43e345e235a76f4e4",
    "2b6c40d53fa27ed10821d25e136a913353d0d10f081a1ab2b4f2b42954ea0cd9bb1155c27c7ad0f73a22d0e63cfd225e",
    "fd26fba22632a88f5f68bcabb21ac03330704784b3c9cb1501ca054991815a04",
);

/// PSS with SHA3-224, MGF1 with SHA3-512 and 28 bytes of salt over "sample".
pub const RSA_PSS_SHA3_224: &str = concat!(
    "753324182b86fb5d2c5875555a01eb3b8aedfdd14336450eebe2aff22e91a338a0d067e049dccd2b976cdd1f2e185195",
    "2baa42da6edd42f7d1ac778d4df8b3c07ecd9e7b95e7f8a90256af023481538722605d54fad69469f6cd01a484e706e1",
    "fb74c000a28c9227a0537a3b6b1200b985039becfb4b460ff7133bc11efc1c1a",
);

/// PSS with SHA3-256, MGF1 with SHA3-256 and 32 bytes of salt over "sample".
pub const RSA_PSS_SHA3_256: &str = concat!(
    "76df9d9fb1597ae51494f8c90debfa76a3cbf569566300620e9e1d65a6bff405242a03ab6b2a7de0559c9e533c95ba7d",
    "2ad2228593d9e713aa2b05cf4aa9b7677b89935b4404553d4db59af218be74f28533e1414d9788e1ad71e105af3dbca9",
    "9d968cf8e90f5cd2e1c6e3501c0e723837d1999800d11703a081dd9ee7a1adf8",
);

/// PSS with SHA3-384, MGF1 with SHA3-224 and 20 bytes of salt over "sample".
pub const RSA_PSS_SHA3_384: &str = concat!(
    "7e10b135a96ee6d4daf31307a4b267bbd19fa4b6b883eed481fa9afbdd668fa6bae9ef6d649c85da01c7453352e07bbd",
    "1599c6e4a3e6357bd6ccdc679c2a742235859850f2a8241d4401d91f07cff16dec00c8d6027e393389c6a0ecfe21adfc",
    "37d28a3f62b6ea36483b8d059d0dfee0ffa5293f138a7d0c88b22181dbd20c02",
);

/// PSS with SHA3-512, MGF1 with SHA3-384 and 0 bytes of salt over "sample".
pub const RSA_PSS_SHA3_512: &str = concat!(
    "441db2ad1cb69484b825f07638a4f63899c858c8036d55c1b05490182a773bb232272fb2b4a8dd73effc2fc392e69893",
    "874681e585c7124cd3a730ce2d25febc60aea4c50cfe5f4143a5264b9d8cc9b58a009bf76e516760323f609230be10ca",
    "40e13e24bbfa65e0c29b9970993ed42a5679636d3e0da8078f4c6b8e0f14f779",
);

/// PSS with SHA-512/256, MGF1 with SHA-1 and 7 bytes of salt over "sample".
pub const RSA_PSS_SHA512_256: &str = concat!(
    "5fc39537344b6c03a58d0c0e2b9d8655c4720e685318a1f212e79467a2ac748baa579b22f60106a12ac153c7873884ba",
    "1d16924f81fb496975b5599c62c9e9d96252de694c57661915c3f4a1b68f9db709dd868eb42ded4c117aba79a3964449",
    "3945a68d9f50d9cc534be1e1d9ca4378f4a36d550f6218afbef87c76f047b327",
);

/// PKCS #1 v1.5 with MD5 over "sample".
pub const RSA_PKCS1_MD5: &str = concat!(
    "42be0ddf5984a8b52e52759f32ba44c54553454eced0f964f7d49c30bfbb6aa7c991fa62b9e194d9c31b85c82c9f17d9",
    "b2147fbef80bf8ab79bebfc7c65dedf56ba2399fc6ded1d89b98dc0b744f936ae8d345442dda6515a046977f94370c96",
    "fb7eee40038203ab81d072c52402577c4911c0dfca58fc7dc0a754ab3423dee1",
);

/// OAEP with SHA3-256, MGF1 with SHA3-384 and the label "label" of "sample".
pub const RSA_OAEP_SHA3_256: &str = concat!(
    "8652d981d04c46d9a2862b72cf2b0190fe4fce8c6c70a10651fd1c15e02e23b5e1b9dc0021ec24838be5c785a1e509b2",
    "b469174ff57dabe5edebcc43bbce621f0a69ba8400bf5ae48d0e14502ce78e6487dfd3827b864c60f4651de0322d3a2b",
    "595a70d3115cbf1a3881b7b143b191eafdbc94bfbeef74dead964312cf2e614e",
);

/// OAEP with SHA512-256, MGF1 with SHA3-256 and the label "label" of "sample".
pub const RSA_OAEP_SHA512_256: &str = concat!(
    "b756e6554dceea1f840b86528e4650ed57d763c2a212a9f8735ea8cf6a5654d409a2447083eb5626d87a20adff92a851",
    "a020569c023daabbc11a25dcf103e108b10bf18e84e2c1cb782b5f146a534225a9fa42a5052dbd69d53df838e5805a2c",
    "ff5d35228397a14d9eae70888a09a4f85a6dafc1f9f09f5ca30d15c515b4b4a1",
);

/// OAEP with SHA3-224, MGF1 with SHA3-512 and the label "label" of "sample".
pub const RSA_OAEP_SHA3_224: &str = concat!(
    "4a80233c4de30f25a785acad0d01dc7debd93e5653f8ac15a2e9a63453099f42a65804066eb8591bd7ef9ded3d70177b",
    "6ef9a11df6b7180df2198702de5cea1b045dee40f2a02729155df1153f8054e882bc69728b010e9a28a497488f80c504",
    "d4573a3b31bcc276c729a629e514a3d539c36df90c103ac3ad9a31494018ab19",
);

/// ECDSA with SHA3-224 over "sample".
pub const EC_SIGNATURE_SHA3_224: &str = concat!(
    "4b136183c918d45e54f168fc815d9343bc394691deb30d5e9d22a3d65971a910f2fa3112723016037d1ea8876ec81ca2",
    "6b86d9a7b34e595762745dba22950608",
);

/// ECDSA with SHA3-256 over "sample".
pub const EC_SIGNATURE_SHA3_256: &str = concat!(
    "ecd12f5c39aac480adcab10047eae623acdb847d115b8428f55efe8a240f4e9dfd058dfafeab693b46328e730bf724ad",
    "035f2c0557692b1681697a1e56403f1a",
);

/// ECDSA with SHA3-384 over "sample".
pub const EC_SIGNATURE_SHA3_384: &str = concat!(
    "69861687123c3c4ed70da18afc937204664e8ce46dd2e5ee29c1d8a80008a1aff7120ad09ff62e23b01041d1b36eb782",
    "b6b3af3458d82194b68c245f34bdd887",
);

/// ECDSA with SHA3-512 over "sample".
pub const EC_SIGNATURE_SHA3_512: &str = concat!(
    "9ea1ab855c9482311d32bc394440c655ea11e602ddfc17a1f6dcf7561955be6a3d5a9d51854e9b91c980ec0c7eb9a855",
    "59547587c5c01156c6a058c384bcdab7",
);

/// 40 bytes of X9.63's KDF with SHA3-256 and "info" over it.
pub const ECDH_X963_SHA3_256: &str =
    "4c3da36cab9fca6e38aa7836833f7dfd5a95dec6fcd22a7d9e390ec66936d35dd8663ed3562628e9";

/// 80 bytes of SP 800-56A's KDF with SHA3-512 and "info" over it.
pub const ECDH_SP800_56A_SHA3_512: &str = concat!(
    "716a945551606c9746ce18abf98cb415ec9b1c4cdcbb47f9bd96f36235c8342ab30d9d23d8c3af7195fc4a506298dded",
    "25c3fd71f338df67fb38cb3f11afefa1bfef6ea62d80f9e2d2f2603e897da6d8",
);

/// 40 bytes of SP 800-56A's KDF with BLAKE2b-160 and "info" over it.
pub const ECDH_BLAKE2B_160: &str =
    "8645b940ceeb5133286a2c685a41c77fd088712b91c788b815bf8af01855757b2e9ee9cdbea037b6";
