"""A stand-in for `aws s3` where pages use it: `cp`, `rm --recursive`; tests need no AWS CLI."""

import argparse
import sys
from pathlib import Path

import boto3

S3 = "s3://"


def main() -> None:
    """Runs one command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("service", choices=["s3"])
    commands = parser.add_subparsers(dest="command", required=True)
    copy = commands.add_parser("cp")
    copy.add_argument("source")
    copy.add_argument("target")
    copy.add_argument("--metadata", default="")
    remove = commands.add_parser("rm")
    remove.add_argument("target")
    remove.add_argument("--recursive", action="store_true", required=True)
    given = parser.parse_args()
    if given.command == "rm":
        _remove(given.target)
    elif given.source.startswith(S3):
        _download(given.source, given.target)
    else:
        _upload(given.source, given.target, given.metadata)


def _place(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix(S3).partition("/")
    return bucket, key


def _download(source: str, target: str) -> None:
    bucket, key = _place(source)
    try:
        body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except boto3.client("s3").exceptions.NoSuchKey:
        sys.exit("fatal error: Key does not exist")
    Path(target).write_bytes(body)


def _upload(source: str, target: str, metadata: str) -> None:
    bucket, key = _place(target)
    pairs = dict(pair.split("=", 1) for pair in metadata.split(",") if pair)
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=Path(source).read_bytes(), Metadata=pairs)


def _remove(target: str) -> None:
    bucket, prefix = _place(target)
    s3 = boto3.client("s3")
    for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=found.get("Key", ""))


if __name__ == "__main__":
    main()
