"""The content engine ``s3``: objects in a bucket of any S3 store (extra ``s3``)."""

from madang.kernel.extension import Engine

ENGINE = Engine("s3", "content", "madang.engines.s3.bucket:Bucket", extra="s3")
