# watchstander.registry.
{ lib, evaluate, broken, tells, ... }:
let
  of = registry: evaluate [{ watchstander = { inherit registry; alerts.runbooks = "https://git.example.org/runbooks"; }; }];
  on = of { enable = true; };
  open = { enable = true; listenAddress = "10.0.0.1"; certificate = "/run/secrets/c"; certificateKey = "/run/secrets/k"; htpasswdFile = "/run/secrets/h"; scan.enable = false; };
in
{
  holds = {
    "nothing, unless it is enabled" = !(of { }).services.dockerRegistry.enable && (of { }).systemd.services == { };
    "on this host alone" = broken on == [ ] && on.services.dockerRegistry.listenAddress == "127.0.0.1";
    "it is looked through" = lib.hasInfix " registry 127.0.0.1:5000 " on.systemd.services.watchstander-registry-scan.serviceConfig.ExecStart;
    "or not" = !((of { enable = true; scan.enable = false; }).systemd.services ? watchstander-registry-scan);
    "elsewhere with TLS and passwords" = broken (of open) == [ ] && (of open).services.dockerRegistry.extraConfig.http.tls.minimumtls == "tls1.2"
      && (of open).services.dockerRegistry.extraConfig.auth.htpasswd.path == "/run/credentials/docker-registry.service/htpasswd";
    "its key stays root's" = lib.elem "key:/run/secrets/k" (of open).systemd.services.docker-registry.serviceConfig.LoadCredential;
    "elsewhere without is told" = tells "whoever can push there decides what runs" (of (open // { htpasswdFile = null; }))
      && tells "whoever can push there decides what runs" (of { enable = true; listenAddress = "0.0.0.0"; });
    "a scan that cannot log in is told" = tells "scan can look through a registry without" (of (removeAttrs open [ "scan" ]))
      && tells "scan can look through a registry without" (of { enable = true; htpasswdFile = "/run/secrets/h"; });
    "half of TLS is told" = tells "both of certificate and certificateKey" (of { enable = true; certificate = "/run/secrets/c"; });
  };
  refused = {
    "a key that Nix would copy" = (of (open // { certificateKey = ./registry.nix; })).watchstander.registry.certificateKey;
    "a port that is none" = (of { enable = true; port = 70000; }).watchstander.registry.port;
  };
}
