# What people use on this host. Its certificates are step-ca's, which this host trusts (stepca.nix).
{
  watchstander.blackbox = {
    enable = true;
    probes = {
      web.target = "https://vulcan.lan/";
      # Its own certificate is always for a day, whatever it signs for others.
      step-ca = { target = "https://ca.vulcan.lan:8443/health"; shortLived = true; };
      database = { kind = "tcp"; target = "127.0.0.1:5432"; };
      ssh = { kind = "tcp"; target = "127.0.0.1:22"; };
    };
  };
}
