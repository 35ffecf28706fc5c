"""`make env`: what a shell needs to run the lines of the README."""

import shlex

from local.aws import KEY
from local.stack import StackInfo

OUTPUTS = {
    "INPUT_BUCKET": "InputBucket",
    "OUTPUT_BUCKET": "OutputBucket",
    "MODEL_BUCKET": "ModelBucket",
    "JOBS_QUEUE_URL": "JobsQueueUrl",
    "JOBS_TOPIC_ARN": "JobsTopicArn",
    "BATCHES_TOPIC_ARN": "BatchesTopicArn",
}
OTHER_CREDENTIALS = "AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION"  # they would win over those of the emulator


def exports(stack: StackInfo) -> str:
    """Write the variables that the README's lines use.

    Args:
        stack: The stack. One on an emulator also needs endpoint, region and keys for `aws`.

    Returns:
        Lines for `eval` in a shell.
    """
    values = {"URL": stack.api_url, "KEY": stack.api_key}
    values |= {name: stack.outputs[output] for name, output in OUTPUTS.items()}
    lines = []
    if stack.endpoint_url:
        lines.append(f"unset {OTHER_CREDENTIALS}")
        values |= {
            "AWS_ENDPOINT_URL": stack.endpoint_url,
            "AWS_DEFAULT_REGION": stack.region,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
        }
    return "\n".join([*lines, *(f"export {name}={shlex.quote(value)}" for name, value in values.items())])
