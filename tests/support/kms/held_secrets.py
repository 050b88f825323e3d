"""Prints what Secrets Manager holds: held_secrets.py URL. A line for each version of each secret: name, ID, content in hex."""

import sys

import boto3


def main():
    client = boto3.client(
        "secretsmanager",
        endpoint_url=sys.argv[1],
        region_name="eu-central-1",
        aws_access_key_id="AKIAKEYWARD",
        aws_secret_access_key="secret",
    )
    for page in client.get_paginator("list_secrets").paginate():
        for secret in page["SecretList"]:
            versions = client.list_secret_version_ids(SecretId=secret["Name"], IncludeDeprecated=True)
            for version in versions["Versions"]:
                got = client.get_secret_value(SecretId=secret["Name"], VersionId=version["VersionId"])
                print(secret["Name"], version["VersionId"], got["SecretBinary"].hex())


main()
