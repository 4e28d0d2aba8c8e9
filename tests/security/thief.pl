# A web server for an app that is a thief. Everything that a browser sends it stands in its log and at /seen, as it came.
use strict; use warnings; use IO::Socket::INET;
$SIG{CHLD} = 'IGNORE'; $| = 1;
my $listener = IO::Socket::INET->new(LocalPort => 8000, Listen => 64, ReuseAddr => 1) or die "cannot listen: $!";
while (my $client = $listener->accept) {
  next if fork;
  my $head = '';
  while ($head !~ /\r\n\r\n/) { sysread($client, $head, 1 << 16, length $head) or exit; }
  my ($path) = $head =~ m{^\w+ (\S+)};
  my ($body, $kind, $more) = ('<!doctype html><title>thief</title><h1>thief</h1>', 'text/html', '');
  if ($path eq '/seen') { # once
    $kind = 'text/plain';
    $body = '';
    if (open(my $seen, '<', '/tmp/seen')) { local $/; $body = <$seen>; unlink '/tmp/seen'; }
  } else {
    print $head;
    open(my $seen, '>>', '/tmp/seen') or die; print $seen $head; close $seen;
    $more = qq(Clear-Site-Data: "cookies", "storage", "cache"\r\n) if $path eq '/clear';
    $more = "Set-Cookie: archipelago-session=planted; Path=/; HttpOnly\r\n" if $path eq '/plant';
  }
  print $client "HTTP/1.1 200 OK\r\nContent-Type: $kind\r\nContent-Length: ", length $body, "\r\n${more}Connection: close\r\n\r\n$body";
  close $client; exit;
}
