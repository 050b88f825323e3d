# Sourced, after lib.sh, by the tests of what is built on NSS: an authority in files, certificates for keys in the token.
# They work in the current directory, which holds the authority and `pin-line` and `noise`, as certutil wants them.

# test_authority: ca.pem and ca.key, and what the certificates that it issues may be used for.
test_authority() {
  printf '%s\n' "$PIN" >pin-line
  head -c 64 /dev/urandom >noise
  cat >usages <<END
subjectAltName=DNS:localhost,IP:127.0.0.1,email:someone@example.org
keyUsage=digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth,emailProtection,codeSigning
END
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj '/CN=test authority' -days 2 -out ca.pem
}

# issue REQUEST CERTIFICATE ARGUMENTS...: the authority signs a certificate request.
issue() {
  openssl x509 -req -in "$1" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile usages -out "$2" "${@:3}"
}

# file_certificate NAME: a server's key and certificate for localhost, in files: NAME.key and NAME.pem.
file_certificate() {
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -subj /CN=localhost -out "$1.csr" && issue "$1.csr" "$1.pem"
}

# token_certificate DATABASE NAME SUBJECT KEY...: certutil makes the key in the token and requests a certificate, the
# authority issues it, certutil stores it beside the key. KEY is certutil's: -k rsa -g 2048, -k ec -q nistp256.
token_certificate() {
  local db=$1 name=$2 subject=$3
  shift 3
  certutil -R -d "sql:$db" -f pin-line -z noise -h "$TOKEN" -s "$subject" "$@" -o "$name.csr" &&
    issue "$name.csr" "$name.pem" -inform DER &&
    certutil -A -d "sql:$db" -f pin-line -h "$TOKEN" -n "$name" -t ,, -i "$name.pem"
}

# nss_tool COMMAND...: a refusal of NSS's tools is -1, which a shell takes for a signal's 255; here it is 1.
nss_tool() {
  "$@" || return 1
}

# demanding_server: mtls_server.py in the background, its output in $WORK/server.out; sets PORT.
demanding_server() {
  start server python3 -u "$ROOT/tests/consumers/mtls_server.py" server.pem server.key ca.pem
  wait_for 10 grep -q '^port ' server.out || {
    cat server.out
    return 1
  }
  PORT=$(sed -n 's/^port //p' server.out)
}

# stop_last: ends what `start` started last, the browser, and waits until it has gone.
stop_last() {
  kill "${SERVERS[-1]}" 2>/dev/null
  wait "${SERVERS[-1]}"
  unset 'SERVERS[-1]'
}

# served SUBJECT: the server saw this certificate.
served() {
  wait_for 5 grep -q "^served $1 TLSv1.3$" server.out || {
    cat server.out
    return 1
  }
}

# is_green PNG: a screenshot shows the server's page: its first pixel, which no filter of PNG's changes, is the page's.
is_green() {
  python3 - "$1" <<'END'
import struct, sys, zlib

png, data, at = open(sys.argv[1], "rb").read(), b"", 8
while at < len(png):
    (length,) = struct.unpack(">I", png[at : at + 4])
    if png[at + 4 : at + 8] == b"IDAT":
        data += png[at + 8 : at + 8 + length]
    at += length + 12
pixel = tuple(zlib.decompress(data)[1:4])
sys.exit(None if pixel == (0, 128, 0) else f"the first pixel is {pixel}")
END
}
