select
    account || '/' || product_id as product_key,
    account,
    product_id,
    max(offer_id) as offer_id,
    max(name) as name,
    max(valid_to) as visible_until,
    max(visibility_now) as visibility_now,
    max(hidden_reasons_now) as hidden_reasons
from {{ source('ozon_bi', 'visibility_history') }}
where
    visibility = 'VISIBLE'
    and valid_to > current_timestamp - interval '{{ var("ozon_days") }} days'
    and visibility_now <> 'VISIBLE'
group by account, product_id
