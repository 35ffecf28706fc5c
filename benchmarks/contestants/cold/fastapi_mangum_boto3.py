"""The same with a client of S3, which is made at import: models are fetched with it."""

import boto3

from benchmarks.contestants.cold.fastapi_mangum import main

S3 = boto3.client("s3")

if __name__ == "__main__":
    main()
