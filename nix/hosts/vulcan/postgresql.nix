# vulcan's databases: for the host and its VPN, and nobody else.
{
  watchstander.postgresql = {
    pgvector = true;
    addresses = [ "10.100.0.1" ];
    interfaces = [ "wg0" ];
    after = [ "wireguard-wg0.service" ];
    networks = [{ address = "10.100.0.0/24"; }];
    tls = {
      # A copy of PostgreSQL's own (stepca.nix).
      certificateFile = "/var/lib/watchstander-certificates/db.vulcan.lan/fullchain.pem";
      keyFile = "/var/lib/watchstander-certificates/db.vulcan.lan/key.pem";
    };
  };
}
