# watchstander.caches.
{ lib, evaluate, broken, tells, ... }:
let
  of = caches: evaluate [{ watchstander = { inherit caches; }; }];
  on = of { proxy.static = { locations."wiki.example.org" = [ "/static/" "/img/" ]; maxSize = "2g"; }; };
  location = on.services.nginx.virtualHosts."wiki.example.org".locations."/static/".extraConfig;
in
{
  holds = {
    "nothing by itself" = (of { }).services.nginx.proxyCachePath == { } && !(of { }).services.nix-serve.enable;
    "no assertion fails" = broken on == [ ];
    "a cache" = on.services.nginx.proxyCachePath.static.enable && on.services.nginx.proxyCachePath.static.maxSize == "2g" && on.services.nginx.proxyCachePath.static.keysZoneName == "static";
    "where it is used" = lib.hasInfix "proxy_cache static;" location && lib.attrNames on.services.nginx.virtualHosts."wiki.example.org".locations == [ "/img/" "/static/" ];
    "what is one person's is not kept" = lib.hasInfix "proxy_no_cache $http_authorization $http_cookie $upstream_http_set_cookie;" location;
    "one place in two caches is told" = tells "in two caches: a.example.org/x/" (of { proxy = { a.locations."a.example.org" = [ "/x/" ]; b.locations."a.example.org" = [ "/x/" ]; }; });
    "a Nix cache, on this host alone" =
      let c = of { nix = { enable = true; keyFile = "/run/secrets/cache-key"; }; }; in
      broken c == [ ] && c.services.nix-serve.bindAddress == "127.0.0.1" && c.services.nix-serve.secretKeyFile == "/run/secrets/cache-key";
    "one that does not sign is told" = tells "needs keyFile" (of { nix.enable = true; });
  };
  refused = {
    "a size in words" = (of { proxy.a.maxSize = "much"; }).services.nginx.proxyCachePath.a.maxSize;
    "a key that Nix would copy" = (of { nix.keyFile = ./caches.nix; }).watchstander.caches.nix.keyFile;
  };
}
