"""The real `sam local` over the local stack: its containers call the AWS of this process."""
