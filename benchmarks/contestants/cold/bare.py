"""A bare function: boto3's clients, a call of each, a model if there is one: `bare.py SERVICES [MODEL]`."""

import json
import sys
from typing import Any

import boto3

CALLS: dict[str, Any] = {
    "dynamodb": lambda client: client.get_item(TableName="JobsTable", Key={"id": {"S": "none"}}),
    "events": lambda client: client.put_events(Entries=[{"Source": "a", "DetailType": "b", "Detail": "{}"}]),
    "s3": lambda client: client.list_objects_v2(Bucket="batch-work", Prefix="none"),
    "sns": lambda client: client.publish(TopicArn=client.list_topics()["Topics"][0]["TopicArn"], Message="m"),
    "sqs": lambda client: client.get_queue_url(QueueName="jobs"),
    "stepfunctions": lambda client: client.list_state_machines(),
}

if __name__ == "__main__":
    for service in sys.argv[1].split(","):
        client: Any = boto3.client(service)  # type: ignore[call-overload]
        CALLS[service](client)
    if len(sys.argv) > 2:
        import numpy as np
        import onnxruntime

        session = onnxruntime.InferenceSession(sys.argv[2])
        session.run(None, {"x": np.zeros((1, 4), np.float32)})
    print(json.dumps({"answered": sys.argv[1]}), flush=True)
