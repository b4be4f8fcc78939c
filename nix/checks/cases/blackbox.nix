# watchstander.blackbox.
{ lib, evaluate, broken, tells, ... }:
let
  of = probes: evaluate [{ watchstander = { alerts.runbooks = "https://git.example.org/runbooks"; blackbox = { enable = true; inherit probes; }; }; networking.hostName = "house"; }];
  good = of {
    web = { target = "https://house.lan/"; caFile = "/etc/ssl/ca.pem"; };
    names = { kind = "dns"; target = "127.0.0.1:53"; query = "house.lan"; };
    mail = { kind = "tls"; target = "mail.example.org:993"; shortLived = true; };
    database = { kind = "tcp"; target = "127.0.0.1:5432"; };
  };
  exporter = good.services.prometheus.exporters.blackbox;
  modules = exporter.configFile.value.modules;
  scrape = name: lib.findFirst (s: s.job_name == "probe-${name}") { } good.services.prometheus.scrapeConfigs;
in
{
  holds = {
    "nothing, unless it is enabled" = !(evaluate [ ]).services.prometheus.exporters.blackbox.enable;
    "it listens to this host alone" = exporter.enable && exporter.listenAddress == "127.0.0.1" && exporter.port == 9115;
    "TLS 1.2 or better" = modules.web.http.tls_config.min_version == "TLS12" && modules.mail.tcp.tls_config.min_version == "TLS12";
    "what is of TLS must be" = modules.web.http.fail_if_not_ssl && modules.mail.tcp.tls;
    "the host's own authority" = modules.web.http.tls_config.ca_file == "/etc/ssl/ca.pem";
    "a name server is asked for a name" = modules.names.dns.query_name == "house.lan";
    "a probe has its name, its host and its target" = (lib.head (scrape "web").static_configs) .labels == { probe = "web"; instance = "house"; } && (scrape "web").params.module == [ "web" ];
    "a host by the name that the rest of it has" = (lib.head (lib.findFirst (s: s.job_name == "probe-web") { }
      (evaluate [{
        watchstander = { prometheus.instance = "house.lan"; alerts.runbooks = "https://git.example.org/runbooks"; blackbox = { enable = true; probes.web.target = "https://house.lan/"; }; };
      }]).services.prometheus.scrapeConfigs).static_configs).labels.instance == "house.lan";
    "every two minutes is often enough" = broken (of { web = { target = "https://house.lan/"; interval = "2m"; }; }) == [ ];
    "certificates of a day are known" = (lib.head (scrape "mail").static_configs).labels.certificate == "short";
    "the exporter is asked, not the target" = (lib.last (scrape "web").relabel_configs).replacement == "127.0.0.1:9115";
    "it brings its alerts" = good.watchstander.alerts.files ? blackbox;
    "nothing is wrong" = broken good == [ ];
    "a question without a name is told" = tells "probes: names has" (of { names = { kind = "dns"; target = "127.0.0.1:53"; }; });
    "an address that is of no kind is told" = tells "probes: web has" (of { web.target = "house.lan:443"; }) && tells "probes: x has" (of { x = { kind = "tcp"; target = "https://house.lan"; }; });
  };
  refused = {
    "a kind that is none" = (of { web = { kind = "https"; target = "https://x/"; }; }).services.prometheus.exporters.blackbox.configFile.value;
    "more often than a try may take" = (of { web = { target = "https://x/"; interval = "10s"; }; }).services.prometheus.scrapeConfigs;
    "so seldom that no alert would fire" = (of { web = { target = "https://x/"; interval = "10m"; }; }).services.prometheus.scrapeConfigs;
    "a probe without a target" = (of { web = { }; }).services.prometheus.exporters.blackbox.configFile.value;
  };
}
