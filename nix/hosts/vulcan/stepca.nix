# vulcan's internal authority, and what it signs for the host itself.
{
  watchstander.stepCa = {
    # Where the VPN reaches it; this host calls it there too.
    address = "10.100.0.1";
    interfaces = [ "wg0" ];
    names = [ "ca.vulcan.lan" ];
    passwordFile = "/run/secrets/step-ca-intermediate";
    email = "ops@example.org";
    # To be filled in with yours: the root's certificate is public, and belongs beside this file.
    rootCertificate = null;
    certificates."db.vulcan.lan" = {
      webroot = "/var/lib/acme/acme-challenge";
      owner = "postgres";
      units = [ "postgresql.service" ];
      served = [{ address = "10.100.0.1:5432"; protocol = "postgres"; }];
    };
  };
}
