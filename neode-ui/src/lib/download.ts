/** Milliseconds for which a browser may take to begin with it. */
const LASTS = 10_000;

/** Has the browser save a file. */
export function download(name: string, parts: BlobPart[], type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), LASTS);
}

/** Has the browser save the certificate of the node's authority, which other devices need to trust. */
export function downloadAuthority(certificate: string): void {
  download("archipelago-ca.crt", [certificate], "application/x-x509-ca-cert");
}
