# watchstander.grafana.
{ lib, evaluate, broken, tells, ... }:
let
  few = { enable = true; domain = "grafana.example.org"; secretKeyFile = "/run/secrets/key"; adminPasswordFile = "/run/secrets/admin"; };
  # With a Loki elsewhere, since `logs` is among the dashboards.
  of = more: evaluate [{ watchstander.grafana = few // { loki = "http://127.0.0.1:3100"; } // more; }];
  whole = of { };
  grafana = whole.services.grafana;
  sources = config: config.services.grafana.provision.datasources.settings.datasources;
  proxied = proxy: of { proxy = { enable = true; } // proxy; };
  own = proxied { certificate = "/var/lib/certs/g.crt"; certificateKey = "/var/lib/certs/g.key"; };
in
{
  holds = {
    "nothing, unless it is enabled" = !(evaluate [ ]).services.grafana.enable && (evaluate [ ]).environment.etc == { };
    "a few lines are enough" = broken whole == [ ];
    "it listens on localhost" = grafana.settings.server.http_addr == "127.0.0.1";
    "the secrets come by systemd, and never by the store" =
      grafana.settings.security.secret_key == "$__file{/run/credentials/grafana.service/secret-key}"
      && grafana.settings.security.admin_password == "$__file{/run/credentials/grafana.service/admin-password}"
      && whole.systemd.services.grafana.serviceConfig.LoadCredential == [ "secret-key:/run/secrets/key" "admin-password:/run/secrets/admin" ];
    "nobody is let in without a name" = !grafana.settings."auth.anonymous".enabled && !grafana.settings.users.allow_sign_up;
    "the cookie goes over TLS alone" = grafana.settings.security.cookie_secure;
    "nothing is told to others" = !grafana.settings.analytics.reporting_enabled && !grafana.settings.snapshots.external_enabled;
    "three sources, each with its uid" = map (s: s.uid) (sources whole) == [ "prometheus" "loki" "alertmanager" ];
    "one is the usual" = lib.count (s: s.isDefault or false) (sources whole) == 1;
    "each is asked by Grafana itself" = lib.all (s: s.access == "proxy" && !s.editable) (sources whole);
    "without Loki, none" = map (s: s.uid) (sources (of { loki = null; alertmanager = null; dashboards = [ "host" ]; })) == [ "prometheus" ];
    "Loki is found where the logs are on" =
      lib.elem "http://127.0.0.1:3111" (map (s: s.url) (sources (evaluate [{ watchstander = { grafana = few; logs = { enable = true; port = 3111; }; }; }])));
    "every dashboard is there" = lib.attrNames whole.environment.etc == map (n: "grafana-dashboards/${n}")
      (lib.filter (lib.hasSuffix ".json") (lib.attrNames (builtins.readDir ../../dashboards)));
    "or those that are named" = lib.attrNames (of { dashboards = [ "host" ]; }).environment.etc == [ "grafana-dashboards/host.json" ];
    "and one's own" = (of { extraDashboards.shop = ./grafana.nix; }).environment.etc ? "grafana-dashboards/shop.json";
    "they are read where they are put" = (lib.head grafana.provision.dashboards.settings.providers).options.path == "/etc/grafana-dashboards";
    "whether somebody is logged in, nginx alone may ask" = lib.hasInfix "internal;" own.services.nginx.virtualHosts."grafana.example.org".locations."= /grafana-user".extraConfig;
    "no proxy, unless it is asked for" = !whole.services.nginx.enable;
    "a proxy with TLS" = broken own == [ ] && own.services.nginx.virtualHosts."grafana.example.org".forceSSL
      && own.services.nginx.virtualHosts."grafana.example.org".locations."/".proxyPass == "http://127.0.0.1:3000";
    "a proxy by ACME" = broken (proxied { acme = true; }) == [ ] && (proxied { acme = true; }).services.nginx.virtualHosts."grafana.example.org".enableACME;
    "a proxy without a certificate is told" = tells "give certificate and certificateKey, or acme" (proxied { });
    "half a certificate is told" = tells "give certificate and certificateKey" (proxied { acme = true; certificate = "/c"; });
    "both are told" = tells "not both" (proxied { acme = true; certificate = "/c"; certificateKey = "/k"; });
    "old TLS is told" = tells "older than TLSv1.2" (evaluate [
      { watchstander.grafana = few // { loki = "http://l"; proxy = { enable = true; acme = true; }; }; services.nginx.sslProtocols = "TLSv1.1 TLSv1.2"; }
    ]);
    "a secret in the store is told" = tells "a secret lies in the store" (of { secretKeyFile = "${builtins.storeDir}/00000000000000000000000000000000-x"; });
    "a name that is taken is told" = tells "host is the name of a dashboard" (of { extraDashboards.host = ./grafana.nix; });
    "logs without Loki are told" = tells "leave that dashboard out" (of { loki = null; });
  };
  refused = {
    "no secret key" = (evaluate [{ watchstander.grafana = removeAttrs few [ "secretKeyFile" ]; }]).systemd.services.grafana.serviceConfig;
    "a key in the place of its file" = (of { secretKeyFile = "SW2YcwTIb9zpOOhoPsMm"; }).watchstander.grafana.secretKeyFile;
    "a file that Nix would copy" = (of { adminPasswordFile = ./grafana.nix; }).watchstander.grafana.adminPasswordFile;
    "a dashboard that is not there" = (of { dashboards = [ "hosts" ]; }).watchstander.grafana.dashboards;
    "no name" = (evaluate [{ watchstander.grafana = removeAttrs few [ "domain" ]; }]).services.grafana.settings.server.domain;
    "a misspelt option" = (of { dashboard = [ ]; }).services.grafana.enable;
  };
}
