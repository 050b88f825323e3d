// pkcs11js and graphene-pk11 on the module under test; Node's own crypto judges what leaves the token.
//
// Run by tests/consumers/node, which makes the token. Each check is a function below; an exception is a failure.

"use strict";

const assert = require("node:assert");
const crypto = require("node:crypto");
const fs = require("node:fs");
const p = require("pkcs11js");
const graphene = require("graphene-pk11");

const { MODULE, TOKEN, PIN, KIND } = process.env;
const MESSAGE = crypto.randomBytes(1000);
const OIDS = { "P-256": "06082a8648ce3d030107", "P-384": "06052b81040022" };
const ED25519 = Buffer.from("130c656477617264733235353139", "hex");
// pkcs11js 2.1.7 names nothing of v3.2; it takes the numbers.
const ML_DSA = { pair: 0x1c, sign: 0x1d, parameterSet: 0x61d };
const checks = [];
const check = (name, run) => checks.push({ name, run });

function refused(code, call) {
  assert.throws(call, (error) => error.code === code, `CKR 0x${code.toString(16)} was expected`);
}

function values(token, object, ...types) {
  return token.lib.C_GetAttributeValue(token.session, object, types.map((type) => ({ type }))).map(({ value }) => value);
}

function pair(token, mechanism, publicly, privately = []) {
  const common = [{ type: p.CKA_TOKEN, value: false }, { type: p.CKA_ID, value: Buffer.from([0x31]) }];
  return token.lib.C_GenerateKeyPair(token.session, { mechanism },
    [...common, { type: p.CKA_VERIFY, value: true }, ...publicly],
    [...common, { type: p.CKA_PRIVATE, value: true }, { type: p.CKA_SENSITIVE, value: true }, { type: p.CKA_SIGN, value: true },
      ...privately]);
}

function rsa(token) {
  const keys = pair(token, p.CKM_RSA_PKCS_KEY_PAIR_GEN,
    [{ type: p.CKA_MODULUS_BITS, value: 2048 }, { type: p.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) }],
    [{ type: p.CKA_DECRYPT, value: true }]);
  const [n, e] = values(token, keys.publicKey, p.CKA_MODULUS, p.CKA_PUBLIC_EXPONENT).map((value) => value.toString("base64url"));
  return { ...keys, judge: crypto.createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" }) };
}

function ec(token, crv) {
  const keys = pair(token, p.CKM_EC_KEY_PAIR_GEN, [{ type: p.CKA_EC_PARAMS, value: Buffer.from(OIDS[crv], "hex") }],
    [{ type: p.CKA_DERIVE, value: true }]);
  const [point] = values(token, keys.publicKey, p.CKA_EC_POINT);
  const bare = point.subarray(2);
  const half = (bare.length - 1) / 2;
  const [x, y] = [bare.subarray(1, 1 + half), bare.subarray(1 + half)].map((value) => value.toString("base64url"));
  return { ...keys, point: bare, judge: crypto.createPublicKey({ key: { kty: "EC", crv, x, y }, format: "jwk" }) };
}

function secret(token, keyType, length, flags = {}) {
  const { sensitive = false, extractable = true } = flags;
  const mechanism = keyType === p.CKK_AES ? p.CKM_AES_KEY_GEN : p.CKM_GENERIC_SECRET_KEY_GEN;
  const usages = keyType === p.CKK_AES ? [p.CKA_ENCRYPT, p.CKA_DECRYPT, p.CKA_WRAP, p.CKA_UNWRAP] : [p.CKA_SIGN, p.CKA_VERIFY];
  return token.lib.C_GenerateKey(token.session, { mechanism }, [
    { type: p.CKA_TOKEN, value: false }, { type: p.CKA_KEY_TYPE, value: keyType }, { type: p.CKA_VALUE_LEN, value: length },
    { type: p.CKA_SENSITIVE, value: sensitive }, { type: p.CKA_EXTRACTABLE, value: extractable },
    ...usages.map((type) => ({ type, value: true })),
  ]);
}

function sign(token, mechanism, key, data = MESSAGE) {
  token.lib.C_SignInit(token.session, mechanism, key);
  return token.lib.C_Sign(token.session, data, Buffer.alloc(8192));
}

const PSS = { type: p.CK_PARAMS_RSA_PSS, hashAlg: p.CKM_SHA256, mgf: p.CKG_MGF1_SHA256, saltLen: 32 };
const OAEP = { type: p.CK_PARAMS_RSA_OAEP, hashAlg: p.CKM_SHA256, mgf: p.CKG_MGF1_SHA256, source: 1 };

check("RSA-2048: PKCS#1 v1.5 and PSS signatures", (token) => {
  const { privateKey, judge } = rsa(token);
  const plain = sign(token, { mechanism: p.CKM_SHA256_RSA_PKCS }, privateKey);
  assert(crypto.verify("sha256", MESSAGE, judge, plain));
  const pss = sign(token, { mechanism: p.CKM_SHA256_RSA_PKCS_PSS, parameter: PSS }, privateKey);
  const padding = { key: judge, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  assert(crypto.verify("sha256", MESSAGE, padding, pss));
  assert(!crypto.verify("sha256", MESSAGE.subarray(1), padding, pss));
});

check("RSA-2048: OAEP with SHA-256", (token) => {
  const { privateKey, judge } = rsa(token);
  const sealed = crypto.publicEncrypt({ key: judge, oaepHash: "sha256" }, MESSAGE.subarray(0, 100));
  token.lib.C_DecryptInit(token.session, { mechanism: p.CKM_RSA_PKCS_OAEP, parameter: OAEP }, privateKey);
  assert.deepEqual(token.lib.C_Decrypt(token.session, sealed, Buffer.alloc(256)), MESSAGE.subarray(0, 100));
});

check("ECDSA on P-256 and P-384, in one part and in several", (token) => {
  for (const curve of ["P-256", "P-384"]) {
    const { privateKey, judge } = ec(token, curve);
    const verify = (signature) => crypto.verify("sha384", MESSAGE, { key: judge, dsaEncoding: "ieee-p1363" }, signature);
    assert(verify(sign(token, { mechanism: p.CKM_ECDSA_SHA384 }, privateKey)));
    token.lib.C_SignInit(token.session, { mechanism: p.CKM_ECDSA_SHA384 }, privateKey);
    token.lib.C_SignUpdate(token.session, MESSAGE.subarray(0, 7));
    token.lib.C_SignUpdate(token.session, MESSAGE.subarray(7));
    assert(verify(token.lib.C_SignFinal(token.session, Buffer.alloc(200))));
  }
});

check("Ed25519", (token) => {
  const { publicKey, privateKey } = pair(token, 0x1055, [{ type: p.CKA_EC_PARAMS, value: ED25519 }]);
  const [point] = values(token, publicKey, p.CKA_EC_POINT);
  const x = point.subarray(-32).toString("base64url");
  const judge = crypto.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  assert(crypto.verify(null, MESSAGE, judge, sign(token, { mechanism: 0x1057 }, privateKey)));
});

if (KIND !== "softhsm") {
  check("ML-DSA-65 by its numbers: the token verifies, and refuses a changed message", (token) => {
    const set = Buffer.alloc(8);
    set.writeBigUInt64LE(2n);
    const { publicKey, privateKey } = pair(token, ML_DSA.pair, [{ type: ML_DSA.parameterSet, value: set }]);
    const signature = sign(token, { mechanism: ML_DSA.sign }, privateKey);
    const verify = (message) => {
      token.lib.C_VerifyInit(token.session, { mechanism: ML_DSA.sign }, publicKey);
      return token.lib.C_Verify(token.session, message, signature);
    };
    assert(verify(MESSAGE));
    refused(p.CKR_SIGNATURE_INVALID, () => verify(MESSAGE.subarray(1)));
    // Node 20's OpenSSL cannot judge it; tests/consumers/node has another one do so.
    const [point] = values(token, publicKey, p.CKA_VALUE);
    for (const [name, content] of Object.entries({ message: MESSAGE, public: point, signature })) fs.writeFileSync(`ml-dsa.${name}`, content);
  });
}

check("AES-GCM with additional data, a changed tag refused; AES-CBC", (token) => {
  const key = secret(token, p.CKK_AES, 32);
  const [bytes] = values(token, key, p.CKA_VALUE);
  const iv = crypto.randomBytes(12);
  const aad = Buffer.from("additional");
  const mechanism = { mechanism: p.CKM_AES_GCM, parameter: { type: p.CK_PARAMS_AES_GCM_v240, iv, aad, ivBits: 96, tagBits: 128 } };
  token.lib.C_EncryptInit(token.session, mechanism, key);
  const sealed = token.lib.C_Encrypt(token.session, MESSAGE, Buffer.alloc(1100));
  const judge = crypto.createDecipheriv("aes-256-gcm", bytes, iv).setAAD(aad).setAuthTag(sealed.subarray(-16));
  assert.deepEqual(Buffer.concat([judge.update(sealed.subarray(0, -16)), judge.final()]), MESSAGE);
  const decrypt = (data) => {
    token.lib.C_DecryptInit(token.session, mechanism, key);
    return token.lib.C_Decrypt(token.session, data, Buffer.alloc(1100));
  };
  assert.deepEqual(decrypt(sealed), MESSAGE);
  const changed = Buffer.from(sealed);
  changed[changed.length - 1] ^= 1;
  assert.throws(() => decrypt(changed), p.Pkcs11Error);
  const cbcIv = crypto.randomBytes(16);
  token.lib.C_EncryptInit(token.session, { mechanism: p.CKM_AES_CBC_PAD, parameter: cbcIv }, key);
  const cbc = token.lib.C_Encrypt(token.session, MESSAGE, Buffer.alloc(1100));
  const second = crypto.createDecipheriv("aes-256-cbc", bytes, cbcIv);
  assert.deepEqual(Buffer.concat([second.update(cbc), second.final()]), MESSAGE);
});

check("HMAC-SHA-256", (token) => {
  const key = secret(token, p.CKK_GENERIC_SECRET, 32);
  const [bytes] = values(token, key, p.CKA_VALUE);
  const ours = sign(token, { mechanism: p.CKM_SHA256_HMAC }, key);
  assert.deepEqual(ours, crypto.createHmac("sha256", bytes).update(MESSAGE).digest());
});

check("AES key wrap: Node unwraps; what is not extractable is not wrapped", (token) => {
  const [kek, key] = [secret(token, p.CKK_AES, 32), secret(token, p.CKK_AES, 16)];
  const wrap = (which) => token.lib.C_WrapKey(token.session, { mechanism: p.CKM_AES_KEY_WRAP }, kek, which, Buffer.alloc(64));
  const wrapped = wrap(key);
  const judge = crypto.createDecipheriv("aes256-wrap", values(token, kek, p.CKA_VALUE)[0], Buffer.alloc(8, 0xa6));
  assert.deepEqual(Buffer.concat([judge.update(wrapped), judge.final()]), values(token, key, p.CKA_VALUE)[0]);
  const back = token.lib.C_UnwrapKey(token.session, { mechanism: p.CKM_AES_KEY_WRAP }, kek, wrapped, [
    { type: p.CKA_CLASS, value: p.CKO_SECRET_KEY }, { type: p.CKA_KEY_TYPE, value: p.CKK_AES }, { type: p.CKA_TOKEN, value: false },
    { type: p.CKA_SENSITIVE, value: false }, { type: p.CKA_EXTRACTABLE, value: true },
  ]);
  assert.deepEqual(values(token, back, p.CKA_VALUE), values(token, key, p.CKA_VALUE));
  refused(p.CKR_KEY_UNEXTRACTABLE, () => wrap(secret(token, p.CKK_AES, 16, { extractable: false })));
});

check("ECDH with Node", (token) => {
  const { privateKey, point } = ec(token, "P-256");
  const theirs = crypto.createECDH("prime256v1");
  const parameter = { type: p.CK_PARAMS_EC_DH, kdf: 1, publicData: theirs.generateKeys() };
  const key = token.lib.C_DeriveKey(token.session, { mechanism: p.CKM_ECDH1_DERIVE, parameter }, privateKey, [
    { type: p.CKA_CLASS, value: p.CKO_SECRET_KEY }, { type: p.CKA_KEY_TYPE, value: p.CKK_GENERIC_SECRET },
    { type: p.CKA_TOKEN, value: false }, { type: p.CKA_VALUE_LEN, value: 32 },
    { type: p.CKA_SENSITIVE, value: false }, { type: p.CKA_EXTRACTABLE, value: true },
  ]);
  assert.deepEqual(values(token, key, p.CKA_VALUE)[0], theirs.computeSecret(point));
});

check("digests, random numbers; a sensitive value is refused", (token) => {
  token.lib.C_DigestInit(token.session, { mechanism: p.CKM_SHA256 });
  const ours = token.lib.C_Digest(token.session, MESSAGE, Buffer.alloc(32));
  assert.deepEqual(ours, crypto.createHash("sha256").update(MESSAGE).digest());
  const random = () => token.lib.C_GenerateRandom(token.session, Buffer.alloc(32));
  assert.notDeepEqual(random(), random());
  const hidden = secret(token, p.CKK_AES, 32, { sensitive: true });
  refused(p.CKR_ATTRIBUTE_SENSITIVE, () => values(token, hidden, p.CKA_VALUE));
});

check("calls off the main thread: eight signatures at once, one session each", async (token) => {
  const { privateKey, judge } = rsa(token);
  const flags = p.CKF_SERIAL_SESSION | p.CKF_RW_SESSION;
  const sessions = Array.from({ length: 8 }, () => token.lib.C_OpenSession(token.slot, flags));
  const signatures = await Promise.all(sessions.map((session) => {
    token.lib.C_SignInit(session, { mechanism: p.CKM_SHA256_RSA_PKCS }, privateKey);
    return token.lib.C_SignAsync(session, MESSAGE, Buffer.alloc(256));
  }));
  for (const signature of signatures) assert(crypto.verify("sha256", MESSAGE, judge, signature));
  for (const session of sessions) token.lib.C_CloseSession(session);
});

// graphene works on the library that pkcs11js initialised, as two packages of one program would.
check("graphene: generate in the token, find by label, sign, delete", () => {
  const library = graphene.Module.load(MODULE, "module");
  const slots = library.getSlots(true);
  let session;
  for (let at = 0; at < slots.length; at++) {
    if (slots.items(at).getToken().label.trim() === TOKEN) {
      session = slots.items(at).open(graphene.SessionFlag.SERIAL_SESSION | graphene.SessionFlag.RW_SESSION);
    }
  }
  session.generateKeyPair(graphene.KeyGenMechanism.RSA,
    { label: "graphene", id: Buffer.from([0x32]), token: true, modulusBits: 2048, publicExponent: Buffer.from([1, 0, 1]), verify: true },
    { label: "graphene", id: Buffer.from([0x32]), token: true, private: true, sensitive: true, sign: true });
  const find = (kind) => session.find({ class: kind, label: "graphene" });
  assert.equal(find(graphene.ObjectClass.PRIVATE_KEY).length, 1);
  const key = find(graphene.ObjectClass.PRIVATE_KEY).items(0).toType();
  const publicly = find(graphene.ObjectClass.PUBLIC_KEY).items(0).toType();
  const signature = session.createSign("SHA256_RSA_PKCS", key).once(MESSAGE);
  const { modulus, publicExponent } = publicly.getAttribute({ modulus: null, publicExponent: null });
  const [n, e] = [modulus, publicExponent].map((value) => value.toString("base64url"));
  assert(crypto.verify("sha256", MESSAGE, crypto.createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" }), signature));
  assert(session.createVerify("SHA256_RSA_PKCS", publicly).once(MESSAGE, signature));
  session.destroy({ label: "graphene" });
  assert.equal(session.find({ label: "graphene" }).length, 0);
  session.close();
});

async function main() {
  const lib = new p.PKCS11();
  lib.load(MODULE);
  lib.C_Initialize();
  const slot = lib.C_GetSlotList(true).find((each) => lib.C_GetTokenInfo(each).label.trim() === TOKEN);
  const session = lib.C_OpenSession(slot, p.CKF_SERIAL_SESSION | p.CKF_RW_SESSION);
  refused(p.CKR_PIN_INCORRECT, () => lib.C_Login(session, p.CKU_USER, "00000000"));
  lib.C_Login(session, p.CKU_USER, PIN);
  for (const { name, run } of checks) {
    try {
      await run({ lib, slot, session });
      console.log(`ok   ${name}`);
    } catch (error) {
      process.exitCode = 1;
      console.log(`FAIL ${name}\n     ${String(error.stack).replaceAll("\n", "\n     ")}`);
    }
  }
  lib.C_Logout(session);
  lib.C_CloseSession(session);
  lib.C_Finalize();
  console.log("done");
}

main();
