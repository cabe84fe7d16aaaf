/**
 * A certificate for `localhost` and 127.0.0.1, signed with its own key and good from 2020 to 2120, so that tests need neither a tool nor the right date. Nobody
 * trusts it but a test that names it as its authority.
 */
export const SELF_SIGNED = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBezCCASCgAwIBAgIUTDIPXWOI8hjHQClPLkwQojofaYIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
MDAwMDAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR0tkO13QyWzElMrRbbD391qFicYUW2beLthui5iWyja3Z3YEzZLg1G
bsXjlCOqNJuKYrFD3C6dnxBPncsc9MPLo04wTDAaBgNVHREEEzARgglsb2NhbGhv
c3SHBH8AAAEwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUQOV+UxTloD6Hnp7h
z12Nbz8a7HkwCgYIKoZIzj0EAwIDSQAwRgIhALBK3G7Ejk6O/5ytWs83Gu4Apaa3
CxHEzlZNZGAtY7nyAiEAi1kPgGnIOh7N3MlMHTdfUfYRYKLdnOFOmILRc5EVCzs=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgf2L88SHrtqWkY7dt
GA+2SEwC3OSJKKbBZwiI7ACvfNChRANCAAR0tkO13QyWzElMrRbbD391qFicYUW2
beLthui5iWyja3Z3YEzZLg1GbsXjlCOqNJuKYrFD3C6dnxBPncsc9MPL
-----END PRIVATE KEY-----
`,
}
