"""Exports of advertising platforms: Meta, TikTok and Google.

They count clicks that differ in meaning (to the destination, anywhere), carry subtotals among
their rows, and keep the currency in a header or a column of its own.
"""

from __future__ import annotations

from typing import Final

from coterie.evidence.exports.kinds import Field, Holds, Kind, Total


def _one(name: str, holds: Holds, *words: str, es: str = "", fr: str = "", unit: str = "") -> Field:
    spelled = {"en": words} | ({"es": (es,)} if es else {}) | ({"fr": (fr,)} if fr else {})
    return Field(name, holds, spelled, unit)


META: Final = Kind(
    "meta_ads",
    "results",
    (
        _one(
            "start", "date", "Reporting starts",
            es="Inicio del informe", fr="Début des rapports",
        ),
        _one("end", "date", "Reporting ends", es="Fin del informe", fr="Fin des rapports"),
        _one("day", "date", "Day", es="Día", fr="Jour"),
        _one("campaign", "label", "Campaign name", es="Nombre de la campaña",
             fr="Nom de la campagne"),
        _one("ad_set", "label", "Ad set name", es="Nombre del conjunto de anuncios",
             fr="Nom de l'ensemble de publicités"),
        _one("ad", "label", "Ad name", es="Nombre del anuncio", fr="Nom de la publicité"),
        _one("delivery", "label", "Campaign delivery", "Ad set delivery", "Ad delivery"),
        _one("attribution", "label", "Attribution setting"),
        _one("results", "number", "Results", es="Resultados", fr="Résultats",
             unit="what result_indicator says"),
        _one("result_indicator", "label", "Result indicator", "Result type",
             es="Indicador de resultado", fr="Indicateur de résultats"),
        _one("reach", "count", "Reach", es="Alcance", fr="Couverture",
             unit="accounts, each once in the row's period"),
        _one("frequency", "number", "Frequency", es="Frecuencia", fr="Répétition",
             unit="impressions an account"),
        _one("cost_per_result", "money", "Cost per results", "Cost per result"),
        _one("spend", "money", "Amount spent", es="Importe gastado", fr="Montant dépensé"),
        _one("impressions", "count", "Impressions", es="Impresiones", fr="Impressions"),
        _one("cpm", "money", "CPM (cost per 1,000 impressions)",
             fr="CPM (Coût pour 1 000 impressions)", unit="a thousand impressions"),
        _one("link_clicks", "count", "Link clicks", es="Clics en el enlace",
             fr="Clics sur un lien"),
        _one("cpc_link", "money", "CPC (cost per link click)"),
        _one("ctr_link", "share", "CTR (link click-through rate)"),
        _one("clicks_all", "count", "Clicks (all)"),
        _one("ctr_all", "share", "CTR (all)"),
        _one("cpc_all", "money", "CPC (all)"),
        _one("landing_page_views", "count", "Landing page views"),
        _one("cost_per_landing_page_view", "money", "Cost per landing page view"),
    ),
    needs=frozenset({"impressions", "reach", "spend", "start"}),
    totals=(Total(r"all|todos?|todas?|tous|toutes?", parts=True),),
    lacks=("artist",),
    named=("campaign", "ad_set", "ad"),
    counts={"impressions": "impressions", "clicks": "link_clicks", "spend": "spend"},
)  # fmt: skip

TIKTOK: Final = Kind(
    "tiktok_ads",
    "results",
    (
        _one("campaign", "label", "Campaign name"),
        _one("ad_set", "label", "Ad group name"),
        _one("ad", "label", "Ad name"),
        _one("day", "date", "By Day", "Date"),
        _one("spend", "money", "Cost", "Total cost"),
        _one("currency", "label", "Currency"),
        _one("cpc_link", "money", "CPC (destination)"),
        _one("cpm", "money", "CPM", unit="a thousand impressions"),
        _one("impressions", "count", "Impressions"),
        _one("link_clicks", "count", "Clicks (destination)"),
        _one("clicks_all", "count", "Clicks (all)"),
        _one("ctr_link", "share", "CTR (destination)"),
        _one("ctr_all", "share", "CTR (all)"),
        _one("reach", "count", "Reach", unit="people, each once in the row's period"),
        _one("cost_per_reach", "money", "Cost per 1,000 people reached"),
        _one("conversions", "number", "Conversions"),
        _one("views_25", "count", "Video views at 25%"),
        _one("views_50", "count", "Video views at 50%"),
        _one("views_75", "count", "Video views at 75%"),
        _one("views_100", "count", "Video views at 100%"),
    ),
    needs=frozenset({"campaign", "ad_set", "spend", "impressions", "link_clicks"}),
    totals=(Total(r"total( of [\d,.]+ results?)?"),),
    lacks=("artist",),
    named=("campaign", "ad_set", "ad"),
    counts={"impressions": "impressions", "clicks": "link_clicks", "spend": "spend"},
)

GOOGLE: Final = Kind(
    "google_ads",
    "campaigns",
    (
        _one("day", "date", "Day"),
        _one("campaign", "label", "Campaign"),
        _one("campaign_id", "label", "Campaign ID"),
        _one("campaign_type", "label", "Campaign type"),
        _one("campaign_status", "label", "Campaign status"),
        _one("ad_set", "label", "Ad group"),
        _one("currency", "label", "Currency code"),
        _one("impressions", "count", "Impr.", "Impressions"),
        _one("clicks", "count", "Clicks"),
        _one("spend", "money", "Cost"),
        _one("conversions", "number", "Conversions"),
        _one("ctr", "share", "CTR"),
        Field("location", "label", {"en": ("Locations", "Location")}, absent=frozenset({"--"})),
    ),
    needs=frozenset({"campaign", "impressions", "clicks", "spend"}),
    totals=(Total(r"(grand )?totals?|total: .+"),),
    lacks=("artist",),
    named=("campaign", "ad_set"),
    counts={"impressions": "impressions", "clicks": "clicks", "spend": "spend"},
)

KINDS: Final = (META, TIKTOK, GOOGLE)
