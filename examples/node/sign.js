#!/usr/bin/env node
// Signs a file with an ECDSA key of a token, and has Node's own crypto verify.
//
//   npm install graphene-pk11
//   KEYWARD_PIN=... node sign.js /usr/local/lib/libkeyward.so TOKEN KEY-LABEL FILE
//
// The signature is written to FILE.sig, in the form that openssl dgst -sha256 -verify takes.

"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const { Module, ObjectClass, SessionFlag } = require("graphene-pk11");

const CURVES = { "06082a8648ce3d030107": "P-256", "06052b81040022": "P-384", "06052b81040023": "P-521" };

function slotOf(library, label) {
  const slots = library.getSlots(true);
  for (let at = 0; at < slots.length; at++) {
    if (slots.items(at).getToken().label.trim() === label) return slots.items(at);
  }
  throw new Error(`no token is called ${label}`);
}

function only(session, kind, label) {
  const found = session.find({ class: kind, label });
  if (found.length !== 1) throw new Error(`${found.length} keys are called ${label}`);
  return found.items(0).toType();
}

function publicKey(object) {
  const { paramsECDSA, pointEC } = object.getAttribute({ paramsECDSA: null, pointEC: null });
  // CKA_EC_POINT is a DER OCTET STRING (its length in one byte, or in two for P-521) around 04 || x || y.
  const coordinates = pointEC.subarray(pointEC[1] < 0x80 ? 3 : 4);
  const [x, y] = [coordinates.subarray(0, coordinates.length / 2), coordinates.subarray(coordinates.length / 2)];
  const key = { kty: "EC", crv: CURVES[paramsECDSA.toString("hex")], x: x.toString("base64url"), y: y.toString("base64url") };
  return crypto.createPublicKey({ key, format: "jwk" });
}

function toDer(signature) {
  const integer = (bytes) => {
    let start = 0;
    while (start < bytes.length - 1 && bytes[start] === 0) start++;
    const value = Buffer.concat([Buffer.alloc(bytes[start] >> 7), bytes.subarray(start)]);
    return Buffer.concat([Buffer.from([2, value.length]), value]);
  };
  const half = signature.length / 2;
  const content = Buffer.concat([integer(signature.subarray(0, half)), integer(signature.subarray(half))]);
  const length = content.length < 128 ? [content.length] : [0x81, content.length];
  return Buffer.concat([Buffer.from([0x30, ...length]), content]);
}

function main([path, token, label, file]) {
  const library = Module.load(path, "keyward");
  library.initialize();
  try {
    const session = slotOf(library, token).open(SessionFlag.SERIAL_SESSION);
    session.login(process.env.KEYWARD_PIN);
    const data = fs.readFileSync(file);
    const signature = session.createSign("ECDSA_SHA256", only(session, ObjectClass.PRIVATE_KEY, label)).once(data);
    const judge = publicKey(only(session, ObjectClass.PUBLIC_KEY, label));
    if (!crypto.verify("sha256", data, { key: judge, dsaEncoding: "ieee-p1363" }, signature)) throw new Error("it does not verify");
    fs.writeFileSync(`${file}.sig`, toDer(signature));
    console.log(`${label}: signature of ${signature.length} bytes, verified by Node`);
  } finally {
    library.finalize();
  }
}

if (process.argv.length !== 6) {
  console.error("usage: sign.js MODULE TOKEN KEY-LABEL FILE");
  process.exit(2);
}
main(process.argv.slice(2));
