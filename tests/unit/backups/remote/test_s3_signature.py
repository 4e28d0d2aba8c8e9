"""Signatures of requests, by the examples of AWS ("Authenticating Requests: Using the Authorization Header")."""

from datetime import UTC, datetime

import pytest

from archipelago.backups.remote.s3_signature import S3Login, quoted_path, quoted_query, signed

LOGIN = S3Login("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
NOW = datetime(2013, 5, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        ("/?lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_requests_are_signed_as_in_the_examples(url: str, signature: str) -> None:
    headers = signed("GET", f"https://examplebucket.s3.amazonaws.com{url}", b"", LOGIN, NOW)
    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
    )
    assert headers["x-amz-date"] == "20130524T000000Z" and LOGIN.secret not in str(LOGIN)


def test_what_is_signed_is_what_is_sent() -> None:
    assert quoted_path("/bucket/a folder/ü+~") == "/bucket/a%20folder/%C3%BC%2B~"
    assert quoted_query((("prefix", "a/b c"), ("list-type", "2"))) == "list-type=2&prefix=a%2Fb%20c"
