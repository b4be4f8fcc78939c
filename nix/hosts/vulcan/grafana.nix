# Grafana on this host. The name is an example; its certificate is step-ca's.
{
  watchstander.grafana = {
    enable = true;
    domain = "grafana.example.org";
    secretKeyFile = "/run/secrets/grafana/secret-key";
    adminPasswordFile = "/run/secrets/grafana/admin-password";
    proxy = {
      enable = true;
      acme = true;
    };
  };
}
