# What people use on this host. Its certificates are step-ca's.
{
  watchstander.blackbox = {
    enable = true;
    probes = {
      web = { target = "https://vulcan.lan/"; caFile = "/etc/ssl/certs/home-ca.pem"; };
      step-ca = { target = "https://vulcan.lan:8443/health"; caFile = "/etc/ssl/certs/home-ca.pem"; };
      database = { kind = "tcp"; target = "127.0.0.1:5432"; };
      ssh = { kind = "tcp"; target = "127.0.0.1:22"; };
    };
  };
}
