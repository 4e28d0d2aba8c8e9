// The page that is shown while the node cannot be reached: in the owner's language and colours, and gone as soon as the node
// answers.
const TEXTS = {
  de: {
    title: "Dein Knoten ist nicht erreichbar",
    text: "Deine Apps und Daten sind davon nicht betroffen. Mögliche Gründe:",
    off: "der Rechner ist aus oder startet neu",
    away: "dieses Gerät ist nicht in deinem Heimnetz",
    moved: "der Router hat dem Knoten eine andere Adresse gegeben",
    again: "Diese Seite versucht es alle paar Sekunden erneut.",
    retry: "Jetzt versuchen",
  },
  es: {
    title: "Tu nodo no está accesible",
    text: "Tus apps y tus datos no se ven afectados. Puede ser que:",
    off: "la máquina esté apagada o reiniciándose",
    away: "este dispositivo no esté en tu red local",
    moved: "el router haya dado otra dirección al nodo",
    again: "Esta página lo intenta de nuevo cada pocos segundos.",
    retry: "Intentar ahora",
  },
  fr: {
    title: "Votre nœud n’est pas joignable",
    text: "Vos applications et vos données ne sont pas touchées. Causes possibles :",
    off: "la machine est éteinte ou redémarre",
    away: "cet appareil n’est pas dans votre réseau local",
    moved: "le routeur a donné une autre adresse au nœud",
    again: "Cette page réessaie toutes les quelques secondes.",
    retry: "Réessayer",
  },
  pt: {
    title: "O seu nó não está acessível",
    text: "As suas aplicações e os seus dados não são afetados. Pode ser que:",
    off: "a máquina esteja desligada ou a reiniciar",
    away: "este dispositivo não esteja na sua rede local",
    moved: "o router tenha dado outro endereço ao nó",
    again: "Esta página volta a tentar a cada poucos segundos.",
    retry: "Tentar agora",
  },
  ja: {
    title: "ノードに接続できません",
    text: "アプリとデータに影響はありません。考えられる原因：",
    off: "マシンの電源が切れている、または再起動中です",
    away: "この端末が家庭内ネットワークに接続されていません",
    moved: "ルーターがノードに別のアドレスを割り当てました",
    again: "数秒ごとに自動で再試行します。",
    retry: "今すぐ試す",
  },
};
const EVERY = 4000;

const theme = localStorage.getItem("archipelago-theme");
const isDark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
document.documentElement.dataset.theme = isDark ? "dark" : "light";
const wanted = [localStorage.getItem("archipelago-language"), ...navigator.languages.map((each) => each.slice(0, 2))];
const language = wanted.find((each) => each === "en" || each in TEXTS) ?? "en";
document.documentElement.lang = language;
for (const [id, text] of Object.entries(TEXTS[language] ?? {})) document.getElementById(id).textContent = text;

async function look() {
  try {
    if ((await fetch("/icon.svg", { cache: "no-store" })).ok) location.reload();
  } catch {
    // Still away.
  }
}
document.getElementById("retry").addEventListener("click", look);
setInterval(look, EVERY);
