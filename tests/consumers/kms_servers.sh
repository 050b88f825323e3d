# The services below tests/consumers/kms: OpenBao itself, ministack for AWS, and the mocks of tests/support/kms that
# Google's and Microsoft's own clients take for the real ones. lib.sh comes first.

KMS=$ROOT/tests/support/kms
export PYTHONDONTWRITEBYTECODE=1
HOLDS=()

# start NAME COMMAND...: lib.sh's, but serve.py ends the server as soon as this script is gone, even if it is killed.
start() {
  local name=$1 hold
  shift
  : >"$WORK/$name.out"
  exec {hold}> >(
    # Other servers' ends would keep those alive.
    for other in ${HOLDS[@]+"${HOLDS[@]}"}; do exec {other}>&-; done
    exec "$VENV/bin/python" "$KMS/serve.py" "$@" >"$WORK/$name.out" 2>&1
  )
  SERVERS+=("$!")
  HOLDS+=("$hold")
}

# stop_from N: ends the servers from the N-th on, and waits until they have.
stop_from() {
  local hold pid
  for hold in ${HOLDS[@]+"${HOLDS[@]:$1}"}; do exec {hold}>&-; done
  for pid in ${SERVERS[@]+"${SERVERS[@]:$1}"}; do
    wait_for 10 is_gone "$pid" || kill "$pid"
  done
  HOLDS=(${HOLDS[@]+"${HOLDS[@]:0:$1}"})
  SERVERS=(${SERVERS[@]+"${SERVERS[@]:0:$1}"})
}

is_gone() { ! kill -0 "$1"; }

stop_servers() { stop_from 0; }

# listens NAME PORT: waits for a server that was told its port.
listens() {
  wait_for 120 is_open "$2" && return
  fail "$1 does not start"
  tail -n 15 "$WORK/$1.out"
  finish
}

is_open() { (: <"/dev/tcp/127.0.0.1/$1"); }

# start_vault: OpenBao in memory, with an audit log and a transit engine; VAULT is its address.
start_vault() {
  local port
  port=$(free_port)
  VAULT=http://127.0.0.1:$port
  printf 'audit "file" "requests" {\n  options { file_path = "%s" }\n}\n' "$WORK/audit.log" >audit.hcl
  (umask 077 && printf 'root-of-consumers' >vault.token)
  start vault "$VENV/bin/bao" server -dev -dev-no-store-token -dev-root-token-id="$(cat vault.token)" \
    -dev-listen-address="127.0.0.1:$port" -config=audit.hcl
  listens vault "$port"
  check "vault: OpenBao has a transit engine" wait_for 60 curl -sSf -H "X-Vault-Token: $(cat vault.token)" \
    -d '{"type":"transit"}' "$VAULT/v1/sys/mounts/transit" || finish
}

# start_aws: ministack, which says each request in its log; AWS is its address.
start_aws() {
  local port
  port=$(free_port)
  AWS=http://127.0.0.1:$port
  printf '[default]\naws_access_key_id = AKIDCONSUMERS\naws_secret_access_key = secret-of-consumers\n' >aws.credentials
  start aws env SERVICES=kms,sts IOT_MTLS_ENABLED=0 "$VENV/bin/hypercorn" ministack.app:app -b "127.0.0.1:$port" \
    --access-logfile "$WORK/aws.requests"
  listens aws "$port"
}

# start_gcp, start_azure: the mocks, and the directories with the credentials that they make.
start_gcp() {
  local port
  port=$(free_port)
  GCP=http://127.0.0.1:$port
  mkdir gcp
  start gcp "$VENV/bin/python" "$KMS/gcp_mock.py" "$port" "$WORK/gcp"
  listens gcp "$port"
}

start_azure() {
  local port
  port=$(free_port)
  AZURE=https://127.0.0.1:$port
  mkdir azure
  start azure "$VENV/bin/python" "$KMS/azure_mock.py" "$port" "$WORK/azure"
  listens azure "$port"
}

# entry PROVIDER [LINE...]: its [[slot]], with the provider's name as the label, and further lines.
entry() {
  local provider=$1
  shift
  printf '\n[[slot]]\nbackend = "kms"\nprovider = "%s"\nlabel = "%s"\n' "$provider" "$provider"
  case $provider in
    vault) printf 'address = "%s"\ntoken_file = "%s"\n' "$VAULT" "$WORK/vault.token" ;;
    aws) printf 'address = "%s"\nregion = "eu-central-1"\nprofile = "default"\ncredentials_file = "%s"\n' "$AWS" "$WORK/aws.credentials" ;;
    gcp)
      printf 'address = "%s"\nkey_ring = "projects/p/locations/europe-west3/keyRings/r"\ncredentials = "%s"\n' \
        "$GCP" "$WORK/gcp/service_account.json"
      ;;
    azure)
      printf 'address = "%s"\nauthority = "%s"\nca_file = "%s"\nresource = "https://managedhsm.azure.net"\n' \
        "$AZURE" "$AZURE" "$WORK/azure/ca.pem"
      printf 'tenant_id = "11111111-2222-3333-4444-555555555555"\nclient_id = "66666666-7777-8888-9999-000000000000"\n'
      printf 'client_secret_file = "%s"\n' "$WORK/azure/client-secret"
      ;;
  esac
  [ $# = 0 ] || printf '%s\n' "$@"
}

# requests PROVIDER: the requests for keys since the last time, a line each; those for access tokens are left out.
requests() {
  case $1 in
    vault) grep -h '"type":"request"' audit.log | grep -o '"path":"transit/[^"]*"' ;;
    # hypercorn writes its line after the answer.
    aws) sleep 1 && grep -h 'POST ' aws.requests ;;
    gcp) curl -sSf -X POST -d '{}' "$GCP/_mock/log" | grep -o '"[A-Z]* /v1/[^"]*"' ;;
    azure) curl -sSf --cacert azure/ca.pem -X POST -d '{}' "$AZURE/_mock/log" | grep -o '"[A-Z]* /keys/[^"]*"' ;;
  esac >asked
  : >audit.log
  : >aws.requests
  cat asked
}
