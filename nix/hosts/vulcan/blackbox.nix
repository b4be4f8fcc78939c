# What people use on this host. Its certificates are step-ca's, whose root the host trusts once it
# is filled in (stepca.nix): until then the first two fail, and say so.
{
  watchstander.blackbox = {
    enable = true;
    probes = {
      web.target = "https://grafana.example.org/api/health";
      # By the name by which it is called. Its own certificate lives for a day.
      step-ca = { target = "https://ca.vulcan.lan:8443/health"; shortLived = true; };
      database = { kind = "tcp"; target = "127.0.0.1:5432"; };
      ssh = { kind = "tcp"; target = "127.0.0.1:22"; };
    };
  };
}
