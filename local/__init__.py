"""The whole service in one process on one port, built from template.yaml: AWS is moto, Lambdas run in-process."""
