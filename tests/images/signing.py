"""Pictures with C2PA manifests, signed with certificates made here."""

import datetime
import io

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CAMERA = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


def certificate(organisation, issuer=None):
    """Make a certificate and its key; of a certificate authority where there is no issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [(NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, organisation)]
    name = x509.Name([x509.NameAttribute(*attribute) for attribute in attributes])
    issued_by, signing_key = (name, key) if issuer is None else (issuer[0].subject, issuer[1])
    now = datetime.datetime.now(datetime.timezone.utc)
    usage = dict.fromkeys(
        [
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("encipher_only", "decipher_only"),
        ],
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issued_by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=issuer is not None,
                key_cert_sign=issuer is None,
                crl_sign=issuer is None,
                **usage,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
    )
    if issuer is not None:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(usage, critical=False)
    return builder.sign(signing_key, hashes.SHA256()), key


def pem(made):
    """Return a certificate as text."""
    return made[0].public_bytes(serialization.Encoding.PEM).decode()


def sign(content, media_type, authority, signer, *, source_type=TRAINED, remote=None):
    """Return the content of a picture file, signed; with `remote` the manifest is not in it."""
    import c2pa

    manifest = {
        "claim_generator_info": [{"name": "Test Press", "version": "1.0"}],
        "format": media_type,
        "title": "a picture",
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": source_type}]},
            }
        ],
    }
    key = signer[1].private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    info = c2pa.C2paSignerInfo(
        c2pa.C2paSigningAlg.ES256, (pem(signer) + pem(authority)).encode(), key, None
    )
    builder = c2pa.Builder(manifest)
    if remote is not None:
        builder.set_no_embed()
        builder.set_remote_url(remote)
    written = io.BytesIO()
    builder.sign(c2pa.Signer.from_info(info), media_type, io.BytesIO(content), written)
    return written.getvalue()
