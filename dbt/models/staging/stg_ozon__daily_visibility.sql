-- Incremental, so that days stay after the warehouse has deleted them (`maintenance.metrics_days`).
{{ config(materialized='incremental', unique_key='day_key', incremental_strategy='delete+insert') }}

with measured as (
    select
        *,
        (measured_at at time zone '{{ var("ozon_time_zone") }}')::date as day
    from {{ source('ozon_bi', 'visibility_metrics') }}
)

select distinct on (account, day)
    account || '/' || day as day_key,
    account,
    day,
    measured_at,
    products,
    visible,
    hidden,
    moderation,
    declined,
    archived,
    unknown,
    visible_pct,
    turned_invisible,
    visible_without_stock,
    hidden_with_stock,
    quality_score
from measured
{% if is_incremental() %}
where day >= (select max(day) from {{ this }})
{% endif %}
order by account, day, measured_at desc
