"""AWS calls over botocore: a stubbed answer, a stubbed error, a refused connection."""

import botocore.exceptions
import botocore.session
from botocore.config import Config
from botocore.stub import Stubber

session = botocore.session.get_session()
session.set_credentials("key", "secret")
client = session.create_client(
    "s3", "eu-west-1", endpoint_url="http://127.0.0.1:1", config=Config(retries={"total_max_attempts": 1})
)
with Stubber(client) as stub:
    stub.add_response("list_buckets", {"Buckets": [{"Name": "orders"}]})
    print(client.list_buckets())
    stub.add_client_error("head_bucket", "404")
    try:
        client.head_bucket(Bucket="orders")
    except client.exceptions.ClientError as error:
        print(error)
try:
    client.list_buckets()
except botocore.exceptions.EndpointConnectionError as error:
    print(error)
