"""Commands against a stack in an AWS account: preflight, deploy, destroy."""
