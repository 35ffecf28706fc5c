"""What AWS charges beyond `triptych.batches.estimate`: list prices of us-east-1 in dollars.

Requests of the API, log lines and the hour of the instance agree with what others wrote of them in 2025 and
2026, as AWS's own pages could not be opened. The rest is from memory: check it before you rely on it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

AS_OF: Final = "2026-11-24"


class Price(NamedTuple):
    """A price.

    Attributes:
        dollars: How much.
        what: Of what.
        source: The page that tells it.
    """

    dollars: float
    what: str
    source: str


_API_GATEWAY = "https://aws.amazon.com/api-gateway/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_SAGEMAKER = "https://aws.amazon.com/sagemaker/ai/pricing/"
_SQS = "https://aws.amazon.com/sqs/pricing/"
_SNS = "https://aws.amazon.com/sns/pricing/"
_EVENTBRIDGE = "https://aws.amazon.com/eventbridge/pricing/"
_XRAY = "https://aws.amazon.com/xray/pricing/"

REST_REQUEST = Price(3.5e-6, "a request of a REST API, of the first 333 million", _API_GATEWAY)
LOGS = Price(0.5, "a GB of log lines that is taken in", _CLOUDWATCH)
QUEUE_REQUEST = Price(0.4e-6, "a request of a standard queue", _SQS)
TOPIC_REQUEST = Price(0.5e-6, "a request of SNS, of 64 KB and ten messages at most", _SNS)
EVENT = Price(1e-6, "a custom event on a bus", _EVENTBRIDGE)
METRIC = Price(0.3, "a custom metric in a month, of the first 10,000", _CLOUDWATCH)
TRACE = Price(5e-6, "a trace that is recorded", _XRAY)
INSTANCE_HOUR = Price(0.115, "an hour of ml.m5.large, real-time or Batch Transform", _SAGEMAKER)
SERVERLESS_SECOND = Price(0.00004, "a second of Serverless Inference with 2 GB", _SAGEMAKER)
ENDPOINT_DATA = Price(0.016, "a GB into or out of an endpoint", _SAGEMAKER)
