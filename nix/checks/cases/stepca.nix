# watchstander.stepCa.
{ lib, evaluate, broken, tells, pkgs, ... }:
let
  some = {
    enable = true; address = "10.0.0.1"; interfaces = [ "wg0" ]; names = [ "ca.vulcan.lan" ]; passwordFile = "/run/secrets/ca"; email = "ops@example.org";
    certificates = {
      "db.vulcan.lan" = { webroot = "/var/lib/acme/acme-challenge"; owner = "postgres"; units = [ "postgresql.service" ]; served = [{ address = "10.0.0.1:5432"; protocol = "postgres"; }]; };
      "web.vulcan.lan" = { names = [ "www.vulcan.lan" ]; listenHTTP = "10.0.0.1:80"; group = "nginx"; units = [ "nginx.service" ]; };
    };
  };
  bot = {
    services.watchstander = {
      enable = true; agent.enable = true; operators.alice = "@alice:example.org";
      matrix = { homeserver = "https://matrix.example.org"; user = "@ws:example.org"; tokenFile = "/run/secrets/t"; room = "!a:example.org"; };
    };
  };
  of = stepCa: evaluate [{ watchstander = { inherit stepCa; }; }];
  change = more: of (lib.recursiveUpdate some more);
  told = more: words: tells words (change more);
  on = of some;
  ca = on.services.step-ca;
  certs = on.security.acme.certs;
  copy = on.systemd.services."watchstander-certificate-db.vulcan.lan";
  with' = (evaluate [ bot { watchstander.stepCa = some; } ]).services.watchstander;
in
{
  holds = {
    "nothing, unless it is enabled" = !(evaluate [ ]).services.step-ca.enable && (evaluate [ ]).security.acme.certs == { };
    "no assertion fails" = broken on == [ ];
    "internal alone" = ca.address == "10.0.0.1" && ca.port == 8443 && !ca.openFirewall && lib.attrNames on.networking.firewall.interfaces == [ "wg0" ] && on.networking.firewall.interfaces.wg0.allowedTCPPorts == [ 8443 ];
    "at this host alone, unless an address is said" = (of (removeAttrs some [ "address" "interfaces" ])).services.step-ca.address == "127.0.0.1";
    "the key stays where it is, and its password is a path" = ca.settings.key == "/var/lib/step-ca/secrets/intermediate_ca_key" && ca.intermediatePasswordFile == "/run/secrets/ca";
    "TLS 1.2 and newer" = ca.settings.tls.minVersion == 1.2;
    "certificates live for 30 days, and are renewed in the last ten" = ca.settings.authority.claims.maxTLSCertDuration == "720h" && on.security.acme.defaults.validMinDays == 10
      && on.security.acme.defaults.renewInterval == "daily";
    "they come from it" = on.security.acme.defaults.server == "https://ca.vulcan.lan:8443/acme/acme/directory";
    "who serves one is reloaded" = certs."web.vulcan.lan".reloadServices == [ "nginx.service" ] && certs."web.vulcan.lan".extraDomainNames == [ "www.vulcan.lan" ];
    "nobody asks before it is up" = lib.elem "acme-db.vulcan.lan.service" on.systemd.services.step-ca.before && lib.elem "acme-order-renew-db.vulcan.lan.service" on.systemd.services.step-ca.before;
    "PostgreSQL gets a key of its own" = certs."db.vulcan.lan".postRun == "${pkgs.systemd}/bin/systemctl --no-block start watchstander-certificate-db.vulcan.lan.service"
      && lib.hasInfix " -m 0400 -o postgres " (lib.last copy.serviceConfig.ExecStart) && copy.before == [ "postgresql.service" ];
    "others get none" = certs."web.vulcan.lan".postRun == "" && !(on.systemd.services ? "watchstander-certificate-web.vulcan.lan");
    "the agent reads certificates, and no keys" = with'.agent.settings.certificates == [ "/var/lib/acme/db.vulcan.lan/cert.pem" "/var/lib/acme/web.vulcan.lan/cert.pem" ];
    "the bot looks at what is served" = (lib.head with'.settings.hosts).certificates == [{ address = "10.0.0.1:5432"; protocol = "postgres"; server_name = "db.vulcan.lan"; }];
    "a root that is not known is told" = lib.length on.warnings == 1 && (change { rootCertificate = ./stepca.nix; }).warnings == [ ];
    "a root that is known is trusted" = lib.length (change { rootCertificate = ./stepca.nix; }).security.pki.certificateFiles == 1;
    "every address" = told { address = "0.0.0.0"; } "is every address";
    "a secret in the store" = told { passwordFile = "${builtins.storeDir}/00000000000000000000000000000000-x"; } "lies in the store";
    "no way to prove the name" = tells "set webroot or listenHTTP" (change { certificates."db.vulcan.lan".webroot = null; });
    "two ways" = told { certificates."db.vulcan.lan".listenHTTP = ":80"; } "set webroot or listenHTTP";
    "a copy for nobody" = told { certificates."db.vulcan.lan".units = [ ]; } "names nobody";
  };
  refused = {
    "a password" = (change { passwordFile = "hunter2"; }).services.step-ca.intermediatePasswordFile;
    "a password that Nix would copy" = (change { passwordFile = ./stepca.nix; }).services.step-ca.intermediatePasswordFile;
    "a certificate for years" = (change { days = 825; }).services.step-ca.settings;
    "no names" = (of (removeAttrs some [ "names" ])).services.step-ca.settings.dnsNames;
    "a misspelt option" = (change { root = "/x"; }).services.step-ca.enable;
  };
}
